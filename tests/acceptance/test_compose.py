"""docker-compose.yml as a user starts it: real images, real containers, each test in a project of its own.

Deselected by default: ``make test-compose`` runs them. They are skipped where no Docker engine answers.
"""

from __future__ import annotations

import json
import os
import pwd
import random
import shlex
import shutil
import signal
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import count_words
from tests.pages import blocks

pytestmark = [pytest.mark.compose, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
#: The first user of nearly every Linux.
FIRST_USER = 1000, 1000
#: A password with everything in it that a shell, YAML or a Redis configuration might trip over.
PASSWORD = """$$ "Xyzzy-93" it's \\n #1"""
#: The word count, so slow (some 10 s over SLOW_TEXT with three workers) that there is time to break something.
SLOW_JOB = """
import re
import time

from word_counter import Job, Mapper, Sum

WORD = re.compile(r"[^\\W_]+(?:['\\u2019][^\\W_]+)*")


class SlowMapper(Mapper):
    def map(self, line):
        time.sleep(0.01)
        for word in WORD.findall(line.lower()):
            yield word, 1


class SlowCount(Job):
    mapper = SlowMapper
    reducer = Sum
"""
#: A job that somebody wrote and mounts: how long the rest of a line can be after each first word.
OWN_JOB = """
from word_counter import Job, Mapper, Max


class FirstWordMapper(Mapper):
    def map(self, line):
        first, _, rest = line.partition(" ")
        yield first, len(rest)


class LongestRest(Job):
    mapper = FirstWordMapper
    reducer = Max
"""
FAILING_JOB = """
from word_counter import Job, Mapper, Sum


class BreakingMapper(Mapper):
    def map(self, line):
        if "needle" in line:
            raise ValueError("found the needle")
        yield "lines", 1


class Breaking(Job):
    mapper = BreakingMapper
    reducer = Sum
"""


def random_text(lines: int, seed: int) -> str:
    """Return lines of words, with some that are easily counted wrong."""
    rng = random.Random(seed)
    words = [
        "river",
        "River",
        "mill",
        "don't",
        "it's",
        "gâteau",
        "Ñandú",
        "мельница",
        "水車",
        "40",
        "stone-wheel",
        "x_y",
    ]
    return "".join(" ".join(rng.choices(words, k=rng.randint(0, 9))) + "\n" for _ in range(lines))


def counted(text: str) -> Counter[str]:
    """Return what the word count over a text must give."""
    return count_words(text.encode())


SLOW_TEXT = random_text(3_000, seed=1)


@pytest.fixture(scope="session")
def compose_command() -> list[str]:
    """How Compose is called here; skips where there is no Compose or no engine."""
    if shutil.which("docker") is None:
        pytest.skip("no Docker engine: there is no command docker")
    answer = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=60, check=False)
    if answer.returncode != 0:
        pytest.skip(f"no Docker engine answers: {(answer.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("no Compose: neither `docker compose` nor docker-compose")


@cache
def rootless() -> bool:
    """Return whether the engine runs without root."""
    said = subprocess.run(
        ["docker", "info", "--format", "{{.SecurityOptions}}"], capture_output=True, text=True, check=True
    )
    return "rootless" in said.stdout


def usual_owner() -> tuple[int, int]:
    """Return whose folders are mounted: this user's, or what root takes for one."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    if not rootless():
        return FIRST_USER
    engine = pwd.getpwuid(Path(os.environ["DOCKER_HOST"].removeprefix("unix://")).stat().st_uid)
    return engine.pw_uid, engine.pw_gid


_KILL_ALL_BUT_INIT = """
import os, signal
for pid in os.listdir("/proc"):
    if pid.isdigit() and int(pid) not in (1, os.getpid()):
        os.kill(int(pid), signal.SIGKILL)
"""
#: Prints whose each other process is, and what it may: its user ids, its group ids, its capabilities.
_LIST_PROCESSES = """
import os
for pid in os.listdir("/proc"):
    if pid.isdigit() and int(pid) != os.getpid():
        lines = [line.split() for line in open(f"/proc/{pid}/status")]
        said = {line[0]: line[1:] for line in lines if line}
        print(*sorted({*said["Uid:"]}), *sorted({*said["Gid:"]}), said["CapPrm:"][0].lstrip("0"), sep=",")
"""


class Project:
    """One Compose project over docker-compose.yml, with an input and an output folder of its own."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.name = f"wctest{uuid.uuid4().hex[:10]}"
        self.folder = folder
        self.input = folder / "input"
        self.output = folder / "output"
        self.results_file = self.output / "results.json"
        self._files = [ROOT / "docker-compose.yml"]
        self._command = command
        for made in (self.input, self.output):
            made.mkdir()
        self.give_to(*usual_owner())
        own = ("COMPOSE_", "REDIS_", "WORD_COUNTER_", "CHUNK_SIZE")
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(own)} | {
            "INPUT_DIR": str(self.input),
            "OUTPUT_DIR": str(self.output),
            "REDIS_PASSWORD": PASSWORD,
            "WORD_COUNTER_SECRET": "Plugh-17",
            "CHUNK_SIZE": "20",
        }

    def give_to(self, user: int, group: int, mode: int = 0o755) -> None:
        """Make somebody the owner of the folders, and of all that is added to them."""
        self.owner, self.mode = (user, group), mode
        self.run_as = "0,0," if rootless() else f"{user},{group},"  # as :meth:`processes` has it
        for folder in (self.folder, self.input, self.output):
            os.chown(folder, user, group)
        for folder in (self.input, self.output):
            folder.chmod(mode)

    def add_input(self, name: str, text: str) -> None:
        file = self.input / name
        file.write_text(text, encoding="utf-8")
        os.chown(file, *self.owner)
        file.chmod(self.mode & 0o666)

    def add_job(self, source: str) -> None:
        """Mount a job file into the master and the workers and let the master run it, as the README shows."""
        job = self.folder / "my_job.py"
        job.write_text(source, encoding="utf-8")
        job.chmod(0o644)
        mount = [f"{job}:/app/jobs/my_job.py:ro"]
        command = ["master", "/app/input", "--job", "/app/jobs/my_job.py", "--output", "/app/output/results.json"]
        self.override({"master": {"command": command, "volumes": mount}, "worker": {"volumes": mount}})

    def override(self, services: dict[str, Any]) -> None:
        """Add to services, as a docker-compose.override.yml does."""
        file = self.folder / f"override-{len(self._files)}.json"
        file.write_text(json.dumps({"services": services}))
        self._files.append(file)

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        files = [part for file in self._files for part in ("-f", str(file))]
        place = ["-p", self.name, "--project-directory", str(ROOT)]
        done = self._run([*self._command, *files, *place, *arguments])
        assert not check or done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def docker(self, *arguments: str) -> str:
        done = self._run(["docker", *arguments])
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def processes(self, container: str) -> set[str]:
        """Return whose the processes in a container are: user id, group id and capabilities, as in "1000,1000,"."""
        return set(self.docker("exec", container, "python", "-c", _LIST_PROCESSES).split())

    def kill_all_but_init(self, container: str) -> None:
        """Kill the program in a container. Its end is that of the container, which may take the killer with it."""
        user = self.run_as.partition(",")[0]  # root has no capability there to kill what others run
        done = self._run(["docker", "exec", "--user", user, container, "python", "-c", _KILL_ALL_BUT_INIT])
        assert done.returncode in {0, 128 + signal.SIGKILL}, done.stderr

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def run_batch(self) -> subprocess.CompletedProcess[str]:
        return self.compose("up", "--no-color", "--exit-code-from", "master", check=False)

    def containers(self, service: str, *, running: bool = False) -> list[str]:
        """Return the ids of a service's containers, oldest name first."""
        filters = [f"label=com.docker.compose.project={self.name}", f"label=com.docker.compose.service={service}"]
        if running:
            filters.append("status=running")
        found = self.docker("ps", "-aq", "--no-trunc", *(part for text in filters for part in ("--filter", text)))
        return found.split()

    def inspect(self, container: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", container))
        return found[0]

    def redis(self, *arguments: str) -> list[str]:
        """Return what redis-cli answers, a line each; nothing while Redis is away."""
        return self.compose("exec", "-T", "redis", "redis-cli", *arguments, check=False).stdout.split("\n")[:-1]

    def committed(self) -> int:
        """Return how many chunks are mapped."""
        keys = [key for key in self.redis("--scan", "--pattern", "wc:*:receipts:map") if key.startswith("wc:")]
        counts = [self.redis("hlen", key) for key in keys]
        return sum(int(count[0]) for count in counts if count and count[0].isdigit())

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"{what}: not within {seconds} s\n{self.logs()}")
            time.sleep(0.2)

    def start_slow_job(self) -> None:
        """Start the project in the background and return when the job is well under way."""
        self.add_input("text.txt", SLOW_TEXT)
        self.add_job(SLOW_JOB)
        self.compose("up", "-d")
        self.wait_until(lambda: self.committed() > 0, "a first chunk to be committed")
        self.assert_under_way()

    def assert_under_way(self) -> None:
        """What a test breaks after the job ended, it does not break: hold it to its name."""
        assert self.containers("master", running=True), f"the job ended before it could be disturbed\n{self.logs()}"

    def wait_for_master(self) -> int:
        """Return the master's exit code."""
        (master,) = self.containers("master")
        return int(self.docker("wait", master))

    def logs(self) -> str:
        return self.compose("logs", "--no-color", check=False).stdout

    def results(self) -> Any:
        return json.loads(self.results_file.read_text(encoding="utf-8"))

    def tear_down(self) -> None:
        self.compose("down", "-v", "--remove-orphans", "-t", "1", check=False)


@pytest.fixture(scope="session")
def _image(compose_command: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The image as the sources are now, built once."""
    Project(compose_command, tmp_path_factory.mktemp("build")).compose("build")


@pytest.fixture
def project(compose_command: list[str], folder: Path, _image: None) -> Iterator[Project]:
    made = Project(compose_command, folder)
    try:
        yield made
    finally:
        made.tear_down()


def test_batch_form_builds_counts_and_exits_0(project: Project) -> None:
    text = random_text(500, seed=2)
    project.add_input("a.txt", text)
    project.add_input("b.txt", "one more line without an end")

    done = project.compose("up", "--build", "--no-color", "--exit-code-from", "master", check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert project.results() == counted(text + "one more line without an end")
    assert {file.name for file in project.output.iterdir()} == {"results.json", "results.receipt.json"}


def test_second_run_in_the_same_project_gives_the_same_bytes(project: Project) -> None:
    project.add_input("text.txt", random_text(300, seed=3))
    assert project.run_batch().returncode == 0
    first = project.results_file.read_bytes()
    project.results_file.unlink()

    assert project.run_batch().returncode == 0

    assert project.results_file.read_bytes() == first


def test_master_ends_with_0_and_stays_ended_while_the_workers_serve_on(project: Project) -> None:
    project.add_input("text.txt", random_text(100, seed=4))

    project.compose("up", "-d")

    assert project.wait_for_master() == 0
    time.sleep(3)  # time for a wrong restart policy to show
    assert project.containers("master", running=True) == []
    assert len(project.containers("worker", running=True)) == 3


def test_result_is_exact_when_a_worker_is_killed_in_mid_job(project: Project) -> None:
    project.start_slow_job()

    project.docker("kill", project.containers("worker", running=True)[0])

    project.assert_under_way()
    assert project.wait_for_master() == 0, project.logs()
    assert len(project.containers("worker", running=True)) == 2
    assert project.results() == counted(SLOW_TEXT)


def test_worker_that_dies_by_itself_is_started_again_and_the_result_is_exact(project: Project) -> None:
    project.start_slow_job()
    victim = project.containers("worker", running=True)[0]

    # as the kernel does when memory is short: the program is killed, not the container
    project.kill_all_but_init(victim)

    project.assert_under_way()
    project.wait_until(lambda: project.inspect(victim)["RestartCount"] >= 1, "the worker to be started again")
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)


def test_master_that_dies_goes_on_by_itself_where_its_job_has_a_name(project: Project) -> None:
    named = {"WORD_COUNTER_JOB_ID": "named", "WORD_COUNTER_RESUME": "yes"}
    project.override({"master": {"environment": named, "restart": "on-failure:3"}})  # as the README shows
    project.start_slow_job()
    (master,) = project.containers("master")

    project.kill_all_but_init(master)

    project.wait_until(lambda: project.inspect(master)["RestartCount"] >= 1, "the master to be started again")
    project.wait_until(lambda: project.inspect(master)["State"]["Status"] == "exited", "the master to end")
    assert project.inspect(master)["State"]["ExitCode"] == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)
    made = project.redis("zrange", "wc:jobs", "0", "-1")
    assert made == ["named"]
    assert project.inspect(master)["RestartCount"] == 1


def test_batch_form_rides_out_the_death_of_a_worker_process(project: Project) -> None:
    project.add_input("text.txt", SLOW_TEXT)
    project.add_job(SLOW_JOB)

    with ThreadPoolExecutor() as pool:
        batch = pool.submit(project.run_batch)
        project.wait_until(lambda: project.committed() > 0, "a first chunk to be committed")
        user = project.run_as.partition(",")[0]
        worker = project.containers("worker")[0]
        killed = project.docker("exec", "--user", user, worker, "python", "-c", _KILL_GRANDCHILDREN)
        project.assert_under_way()
        done = batch.result()

    assert int(killed) >= 1
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.results() == counted(SLOW_TEXT)


#: What the kernel does to the largest process when memory is short: those that run tasks are killed, the program
#: that looks after them is not.
_KILL_GRANDCHILDREN = """
import os, signal
parents = {}
for pid in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{pid}/stat") as file:
        parents[pid] = file.read().rpartition(")")[2].split()[1]
killed = [pid for pid, parent in parents.items() if parents.get(parent) == "1"]
for pid in killed:
    os.kill(int(pid), signal.SIGKILL)
print(len(killed))
"""


def test_stopped_worker_finishes_its_task_and_exits_0(project: Project) -> None:
    project.start_slow_job()
    leaver = project.containers("worker", running=True)[0]

    project.docker("stop", leaver)

    assert project.inspect(leaver)["State"]["ExitCode"] == 0
    project.assert_under_way()
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_result_is_exact_when_redis_goes_away_in_mid_job_and_comes_back(project: Project, how: str) -> None:
    project.start_slow_job()
    (redis,) = project.containers("redis")

    if how == "restart":
        project.docker("restart", redis)
    else:
        project.docker("kill", redis)
        time.sleep(2)
        project.docker("start", redis)

    project.assert_under_way()
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)


def test_scaled_to_five_workers_all_take_part(project: Project) -> None:
    project.add_input("text.txt", SLOW_TEXT)
    project.add_job(SLOW_JOB)

    project.compose("up", "-d", "--scale", "worker=5")

    assert len(project.containers("worker", running=True)) == 5
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)
    (receipts,) = [key for key in project.redis("--scan", "--pattern", "wc:*:receipts:map") if key.startswith("wc:")]
    took_part = {
        host[:12] for host in project.containers("worker") if host[:12] in str(project.redis("hvals", receipts))
    }
    assert len(took_part) == 5


def test_containers_can_write_nothing_but_the_results(project: Project) -> None:
    project.add_input("text.txt", random_text(10, seed=5))
    project.compose("up", "-d")
    assert project.wait_for_master() == 0, project.logs()

    for service in ("redis", "master", "worker"):
        found = project.inspect(project.containers(service)[0])
        host = found["HostConfig"]
        writable = {mount["Destination"] for mount in found["Mounts"] if mount["RW"]}
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert not host["PortBindings"], service
        assert writable == {"redis": {"/data"}, "master": {"/app/output"}, "worker": set()}[service]

    worker = project.containers("worker", running=True)[0]
    for place in ("/app/input/new", "/app/input/text.txt", "/app/new", "/opt/word_counter/new", "/new"):
        tried = project.compose("exec", "-T", "worker", "sh", "-c", f"echo x >>{place}", check=False)
        assert tried.returncode != 0, place
    assert project.processes(worker) == {project.run_as}
    assert (project.input / "text.txt").read_text(encoding="utf-8") == random_text(10, seed=5)


def test_password_is_needed_and_does_not_show(project: Project) -> None:
    project.add_input("text.txt", random_text(10, seed=6))

    done = project.run_batch()
    project.compose("up", "-d", "--no-deps", "redis")
    project.wait_until(lambda: project.redis("ping") == ["PONG"], "redis-cli to log in by itself")
    (redis,) = project.containers("redis", running=True)
    without = project.docker("exec", "-e", "REDISCLI_AUTH=", redis, "redis-cli", "ping")
    arguments = project.docker("exec", redis, "sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null || true")
    assert "redis-server" in arguments
    arguments += json.dumps(project.inspect(redis)["Config"]["Cmd"])

    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOAUTH" in without
    for text in (arguments, done.stdout, done.stderr, project.logs()):
        assert "Xyzzy-93" not in text
        assert "Plugh-17" not in text


def test_output_that_cannot_be_written_is_a_clear_error_and_exit_code_2(project: Project) -> None:
    project.add_input("text.txt", random_text(10, seed=7))
    project.output.chmod(0o555)

    done = project.run_batch()

    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert f"Error: cannot write /app/output/results.json as user {project.run_as.partition(',')[0]}" in said
    assert "chmod" in said
    assert "Traceback" not in said
    assert list(project.output.iterdir()) == []


@pytest.fixture
def _any_owner(compose_command: list[str]) -> None:
    if os.geteuid() != 0 or rootless():
        pytest.skip("only root can give a folder to others, and to an engine that may act for them")


@pytest.mark.usefixtures("_any_owner")
@pytest.mark.parametrize("owner", [FIRST_USER, (4321, 4322)])
def test_all_is_done_as_the_owner_of_the_folders_which_nobody_else_can_open(
    project: Project, owner: tuple[int, int]
) -> None:
    project.give_to(*owner, mode=0o700)
    project.start_slow_job()

    (master,) = project.containers("master", running=True)
    ran_as = project.processes(master) | project.processes(project.containers("worker")[0])

    project.assert_under_way()
    assert ran_as == {f"{owner[0]},{owner[1]},"}
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)
    assert {(file.stat().st_uid, file.stat().st_gid) for file in project.output.iterdir()} == {owner}


@pytest.mark.usefixtures("_any_owner")
@pytest.mark.parametrize(("mode", "reader"), [(0o755, "10001,10001,"), (0o700, "0,0,")])
def test_where_root_owns_the_folders_it_has_no_capability_and_workers_are_root_only_to_read(
    project: Project, mode: int, reader: str
) -> None:
    project.give_to(0, 0, mode)
    project.start_slow_job()

    (master,) = project.containers("master", running=True)
    written_as, read_as = project.processes(master), project.processes(project.containers("worker")[0])

    project.assert_under_way()
    assert (written_as, read_as) == ({"0,0,"}, {reader})
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)
    assert project.results_file.stat().st_uid == 0


def test_a_rootless_engine_does_all_as_the_user_who_started_it(project: Project) -> None:
    if not rootless():
        pytest.skip("this engine is not rootless: name one with DOCKER_HOST")
    project.give_to(*project.owner, mode=0o700)
    project.start_slow_job()

    (master,) = project.containers("master", running=True)
    ran_as = project.processes(master) | project.processes(project.containers("worker")[0])

    project.assert_under_way()
    assert ran_as == {"0,0,"}  # which is that user, inside
    assert project.wait_for_master() == 0, project.logs()
    assert project.results() == counted(SLOW_TEXT)
    assert project.results_file.stat().st_uid == project.owner[0]


def test_a_folder_for_results_that_is_not_there_is_made(project: Project) -> None:
    project.add_input("text.txt", "one two two\n")
    project.output.rmdir()

    done = project.run_batch()

    assert done.returncode == 0, done.stdout + done.stderr
    assert project.results() == {"one": 1, "two": 2}


def test_a_user_that_is_named_stays(project: Project) -> None:
    project.add_input("text.txt", "one two two\n")
    user, group = project.run_as.split(",")[:2]
    project.override({name: {"user": f"{user}:{group}"} for name in ("master", "worker")})

    done = project.run_batch()

    assert done.returncode == 0, done.stdout + done.stderr
    assert project.results() == {"one": 1, "two": 2}
    assert project.results_file.stat().st_uid == project.owner[0]


def test_mounted_job_runs(project: Project) -> None:
    project.add_input("text.txt", "sum 1\nsum 100\nmax 22\n")
    project.add_job(OWN_JOB)

    done = project.run_batch()

    assert done.returncode == 0, done.stdout + done.stderr
    assert project.results() == {"max": 2, "sum": 3}


def test_failing_job_ends_with_1_and_names_the_place(project: Project) -> None:
    project.add_input("hay.txt", "hay\n" * 50 + "a needle\n" + "hay\n" * 50)
    project.add_job(FAILING_JOB)

    done = project.run_batch()

    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "ValueError: found the needle" in said
    assert "/app/input/hay.txt" in said
    assert not project.results_file.exists()


def test_the_commands_of_the_readme_in_turn(compose_command: list[str], project: Project) -> None:
    (block,) = [block for block in blocks((ROOT / "README.md").read_text(encoding="utf-8")) if "compose" in block.text]
    environ = {**project.environ, "COMPOSE_PROJECT_NAME": project.name}
    del environ["INPUT_DIR"]  # what the README counts

    for line in block.text.splitlines():
        command = line.partition(" #")[0].replace("docker-compose", shlex.join(compose_command))
        done = subprocess.run(
            ["sh", "-c", command.replace(" exec ", " exec -T ")],  # there is no terminal here
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if "--exit-code-from" in line:
            assert project.results()["the"] > 0
            project.results_file.unlink()
        elif "redis-cli" in line:
            assert "wc:jobs" in done.stdout
