"""Lines that are taken and given as they are, bytes that are no UTF-8 too: one map, and no reduce."""

from mrjob.job import MRJob
from mrjob.protocol import BytesProtocol, BytesValueProtocol


class RawLines(MRJob):
    INPUT_PROTOCOL = BytesValueProtocol
    OUTPUT_PROTOCOL = BytesProtocol

    def mapper(self, _, line):
        if line:
            yield line[:1], line[::-1]
        else:
            yield b"empty", None


if __name__ == "__main__":
    RawLines.run()
