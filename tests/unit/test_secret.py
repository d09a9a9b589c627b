"""Where the secret comes from, and that it is shown nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import environment
from word_counter import UsageError
from word_counter.queue.batch_queue import queue_name
from word_counter.security.secret import find_secret, local_secret, user_secret
from word_counter.settings import config
from word_counter.settings.config import Settings, load
from word_counter.settings.redis_url import without_password
from word_counter.store.connection import connect
from word_counter.worker.permissions import Permissions

REDIS = "redis://localhost:1/0"


@pytest.fixture(autouse=True)
def home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder / "word_counter" / "secret"


def test_a_secret_that_was_set_comes_first(home: Path) -> None:
    assert find_secret(Settings(secret="mine", redis=REDIS)) == "mine"
    assert find_secret(Settings(secret="mine")) == "mine"
    assert not home.exists()


def test_a_private_server_gets_a_fresh_one_each_time(home: Path) -> None:
    assert find_secret(Settings()) != find_secret(Settings())
    assert not home.exists()


def test_with_a_redis_that_is_somebody_s_the_user_has_one_that_is_kept(home: Path) -> None:
    secret = find_secret(Settings(redis=REDIS))
    assert secret == find_secret(Settings(redis=REDIS), alone=True)
    assert len(secret) == 64
    assert home.stat().st_mode & 0o777 == 0o600
    assert home.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(home.parent) == ["secret"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_read_or_write_is_not_believed(home: Path, mode: int) -> None:
    user_secret(str(home.parent))
    home.chmod(mode)
    for alone in (False, True):
        with pytest.raises(UsageError, match="remove it"):
            find_secret(Settings(redis=REDIS), alone=alone)


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_is_not_believed(home: Path, content: str) -> None:
    home.parent.mkdir()
    home.touch(0o600)
    home.write_text(content)
    with pytest.raises(UsageError, match="remove it"):
        find_secret(Settings(redis=REDIS))


def test_where_none_can_be_kept_a_run_alone_makes_one_and_others_are_told(home: Path) -> None:
    home.parent.write_text("a file in the place of the folder")
    assert find_secret(Settings(redis=REDIS), alone=True) != find_secret(Settings(redis=REDIS), alone=True)
    with pytest.raises(UsageError, match="WORD_COUNTER_SECRET") as caught:
        find_secret(Settings(redis=REDIS))
    assert str(home) in str(caught.value)


def test_processes_that_make_it_at_the_same_time_have_the_same(folder: Path) -> None:
    code = f"from word_counter.security.secret import user_secret; print(user_secret({str(folder / 'new')!r}))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment())
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in processes}) == 1
    assert os.listdir(folder / "new") == ["secret"]


def test_local_workers_have_a_secret_of_their_run_alone() -> None:
    secrets = {local_secret("mine", "a"), local_secret("mine", "b"), local_secret("yours", "a"), "mine"}
    assert len(secrets) == 4
    assert local_secret("mine", "a") == local_secret("mine", "a")


def test_queues_go_by_secret_and_do_not_tell_it() -> None:
    assert queue_name("mine") == queue_name("mine") != queue_name("yours")
    assert queue_name("mine").startswith("word_counter-")
    assert len(queue_name("mine")) == len("word_counter-") + 8


# -- it is shown nowhere ----------------------------------------------------------------------------


def test_neither_settings_nor_permits_show_a_secret_or_a_password() -> None:
    settings = load({"redis": "redis://:hunter2@h/0", "secret": "hunter3"})
    shown = repr(settings) + str(settings) + repr(Permissions.of(settings))
    assert "hunter" not in shown


@pytest.mark.parametrize(("name", "value"), [("allow", "[1]"), ("allow", "[1"), ("input_root", "[")])
def test_a_list_that_is_none_is_named(name: str, value: str) -> None:
    with pytest.raises(UsageError, match="JSON list"):
        load({name: value})


def test_lists_are_read_from_text_or_json() -> None:
    environ = {
        "WORD_COUNTER_ALLOW": "my_pkg, /srv/jobs ,",
        "WORD_COUNTER_INPUT_ROOT": f"/data{os.pathsep}/logs",
    }
    settings = load(environ=environ)
    assert (settings.allow, settings.input_root) == (("my_pkg", "/srv/jobs"), ("/data", "/logs"))
    assert load(environ={"WORD_COUNTER_INPUT_ROOT": '["/a:b"]'}).input_root == ("/a:b",)
    assert load({"allow": ("one",)}, environ=environ).allow == ("one",)
    assert config.Settings().allow == ()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://:pw@host/0", "redis://:***@host/0"),
        ("rediss://user:pw@host:1/2?ssl_ca_certs=/ca", "rediss://user:***@host:1/2?ssl_ca_certs=/ca"),
        ("unix://:pw@/run/redis.sock?db=1", "unix://:***@/run/redis.sock?db=1"),
        ("redis://user@host", "redis://user@host"),
        ("redis://host/0?password=pw&db=1", "redis://host/0?password=***&db=1"),
        ("rediss://host/0?ssl_password=pw", "rediss://host/0?ssl_password=***"),
        ("redis://:p/w@host", "redis://:***@host"),
        ("redis://:p?w#p@w@host", "redis://:***@host"),
        ("redis://:p://w@host", "redis://:***@host"),
        ("user:pw@host", "user:***@host"),
        ("", ""),
    ],
)
def test_urls_are_shown_without_their_passwords(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2/x@host:port/0",
        "http://:hunter2@host",
        "redis://:hunter2@host:port/0",
        "redis://:hunter2@h?no_such_option=1",
    ],
)
def test_a_url_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)
