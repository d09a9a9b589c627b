# word_counter in a small image: python:3.12-slim and one virtual environment.
# Plain instructions only, so that BuildKit and the classic builder of docker-compose 1.29 both build it.

FROM python:3.12-slim AS builder

# Where pip looks, when it is not to be the public index: docker build --build-arg PIP_INDEX_URL=...
# They end with this stage; neither the image nor its history shows them.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# for the native word count kernel; here only, the image has no compiler. Where no packages can be had the build goes
# on, and words are counted in Python: `word-counter doctor` tells which it is.
RUN command -v cc > /dev/null || { apt-get update -qq \
      && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gcc libc6-dev > /dev/null; } \
      || echo "no C compiler can be had: words will be counted in Python" >&2

# without pip of its own: the environment is copied whole into the image, which has no use for it
RUN python -m venv --without-pip /opt/word_counter
WORKDIR /src
COPY requirements.txt ./
RUN pip --python /opt/word_counter install --quiet -r requirements.txt
COPY . ./
# a+rX: sources checked out under a strict umask must still be readable for the user below
RUN pip --python /opt/word_counter install --quiet --no-deps . \
      && cp word_counter/security/run_as_owner.py /opt/word_counter/ \
      && chmod -R a+rX /opt/word_counter


FROM python:3.12-slim

COPY --from=builder /opt/word_counter /opt/word_counter
# HOME: any user id will do, also one without a home; /tmp is the only place the program may write to
# besides its output. Nothing compiles at run time: the root file system is meant to be read-only.
# docker-compose.yml starts as root with run_as_owner.py, which becomes the owner of a folder before all else.
ENV PATH=/opt/word_counter/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["word-counter"]
CMD ["--help"]
