"""Settings: where they come from, which one wins, and the errors about bad ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from word_counter.errors import UsageError
from word_counter.settings.config import Settings, bad_variables, choice, load, unknown_variables
from word_counter.settings.cpu_count import available_cores
from word_counter.settings.redis_url import without_password
from word_counter.settings.value_readers import job_id, made_up_id


class TestPrecedence:
    def test_the_call_wins_over_the_environment_over_the_job_over_the_default(self) -> None:
        environ = {"WORD_COUNTER_CHUNK_SIZE": "2", "WORD_COUNTER_PARTITIONS": "2"}
        job = {"chunk_size": 3, "partitions": 3, "max_attempts": 3}

        settings = load({"chunk_size": 1}, job, environ)

        assert (settings.chunk_size, settings.partitions, settings.max_attempts) == (1, 2, 3)
        assert settings.lease_seconds == Settings().lease_seconds

    def test_what_is_none_or_empty_is_not_given(self) -> None:
        settings = load({"chunk_size": None}, {}, {"WORD_COUNTER_CHUNK_SIZE": "", "CHUNK_SIZE": "7"})

        assert settings.chunk_size == 7

    def test_the_older_names_count_less_than_the_full_ones(self) -> None:
        environ = {"CHUNK_SIZE": "1", "REDIS_URL": "redis://old"}

        assert load({}, {}, environ) == Settings(chunk_size=1, redis="redis://old")
        assert load(
            {}, {}, environ | {"WORD_COUNTER_CHUNK_SIZE": "2", "WORD_COUNTER_REDIS": "redis://new"}
        ) == Settings(chunk_size=2, redis="redis://new")

    def test_the_process_environment_is_what_counts_by_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORD_COUNTER_PARTITIONS", "5")

        assert load().partitions == 5

    def test_a_bad_value_that_another_wins_over_does_no_harm(self) -> None:
        environ = {"WORD_COUNTER_CHUNK_SIZE": "many", "REDIS_PORT": "x", "WORD_COUNTER_PARTITIONS": "2"}

        settings = load({"chunk_size": 1, "redis": "redis://h"}, {"partitions": "few"}, environ)

        assert (settings.chunk_size, settings.redis, settings.partitions) == (1, "redis://h", 2)

    def test_what_is_not_asked_for_is_not_looked_at(self) -> None:
        environ = {"WORD_COUNTER_CHUNK_SIZE": "many", "REDIS_PORT": "x", "WORD_COUNTER_PARTITIONS": "2"}

        assert load({}, {}, environ, only={"partitions"}) == Settings(partitions=2)

    def test_other_variables_change_nothing(self) -> None:
        assert load({}, {}, {"WORD_COUNTER_NONSENSE": "1", "PARTITIONS": "3", "HOME": "/"}) == Settings()


class TestRedis:
    @pytest.mark.parametrize(
        ("environ", "url"),
        [
            ({}, ""),
            ({"REDIS_PASSWORD": "p"}, ""),
            ({"REDIS_HOST": "h"}, "redis://h:6379/0"),
            ({"REDIS_PORT": "7"}, "redis://localhost:7/0"),
            ({"REDIS_HOST": "h", "REDIS_PORT": "7"}, "redis://h:7/0"),
            ({"REDIS_HOST": "h", "REDIS_PASSWORD": "p@:/ \u00fc"}, "redis://:p%40%3A%2F%20%C3%BC@h:6379/0"),
            ({"REDIS_HOST": "h", "REDIS_URL": "redis://u"}, "redis://u"),
            ({"REDIS_HOST": "::1"}, "redis://[::1]:6379/0"),
            ({"REDIS_HOST": "[2001:DB8::7]", "REDIS_PORT": "7"}, "redis://[2001:db8::7]:7/0"),
            ({"REDIS_HOST": "fe80::1%eth0"}, "redis://[fe80::1%25eth0]:6379/0"),
            ({"REDIS_PORT": "tcp://10.0.0.1:6379"}, "redis://10.0.0.1:6379/0"),
            ({"REDIS_PORT": "tcp://[fd00::1]:6380"}, "redis://[fd00::1]:6380/0"),
            ({"REDIS_HOST": "redis", "REDIS_PORT": "tcp://10.0.0.1:6380"}, "redis://redis:6380/0"),
        ],
    )
    def test_comes_from_a_url_or_from_its_parts(self, environ: dict[str, str], url: str) -> None:
        assert load({}, {}, environ).redis == url

    @pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "\u00b2", "tcp://h", "http://h:1"])
    def test_a_port_that_is_none_is_named(self, port: str) -> None:
        with pytest.raises(UsageError, match="REDIS_PORT must be a port, a whole number from 1 to 65535, not "):
            load({}, {}, {"REDIS_PORT": port})

    @pytest.mark.parametrize("host", ["h:6379", "redis://h", "[::1", "a b", "user:hunter2@h"])
    def test_a_host_that_is_more_than_a_host_is_named(self, host: str) -> None:
        with pytest.raises(UsageError, match="REDIS_HOST must be a host alone, not ") as caught:
            load({}, {}, {"REDIS_HOST": host})
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("redis://user@host/0", "redis://user@host/0"),
            ("redis://:secret@host:1/0", "redis://:***@host:1/0"),
            ("rediss://user:secret@host/0?a=b", "rediss://user:***@host/0?a=b"),
            ("redis://:se/cr#et?@host/0", "redis://:***@host/0"),
            ("redis://:se@cret@host/0", "redis://:***@host/0"),
            ("unix:///run/redis.sock?db=1&password=secret", "unix:///run/redis.sock?db=1&password=***"),
            ("redis://host/0?ssl_password=secret&db=1", "redis://host/0?ssl_password=***&db=1"),
        ],
    )
    def test_is_shown_without_its_password(self, url: str, shown: str) -> None:
        assert without_password(url) == shown

    @given(
        st.text(min_size=4, max_size=20).filter(
            lambda text: text not in "redis://user:***@host:6379/0 unix:///sock?password=***" and "&" not in text
        )
    )
    def test_no_password_is_ever_shown(self, password: str) -> None:
        assert password not in without_password(f"redis://user:{password}@host:6379/0")
        assert password not in without_password(f"unix:///sock?password={password}")

    @pytest.mark.parametrize("name", ["redis", "secret"])
    def test_what_is_secret_is_not_in_the_repr(self, name: str) -> None:
        assert "hunter2" not in repr(load({name: "redis://:hunter2@h"}, {}, {}))


BAD = [
    ("chunk_size", 0),
    ("chunk_size", "0"),
    ("chunk_size", "-3"),
    ("chunk_size", "many"),
    ("chunk_size", 1.5),
    ("chunk_size", True),
    ("chunk_size", [1]),
    ("partitions", 0),
    ("partitions", "4097"),
    ("workers", -1),
    ("workers", "1025"),
    ("engine", "spark"),
    ("progress", "fancy"),
    ("job_id", "a b"),
    ("job_id", "{x}"),
    ("job_id", "x" * 65),
    ("job_id", "\u00fc"),
    ("timeout", -1),
    ("timeout", "inf"),
    ("timeout", "nan"),
    ("lease_seconds", 0.4),
    ("max_attempts", 0),
    ("on_bad_chunk", "ignore"),
    ("max_bad_records", -1),
    ("redis_patience", -0.1),
    ("task_timeout", 0),
    ("retention_seconds", 0),
    ("resume", "maybe"),
    ("allow", [1]),
]


class TestValues:
    @pytest.mark.parametrize(("name", "value"), BAD)
    def test_bad_ones_are_named_with_what_would_do(self, name: str, value: Any) -> None:
        with pytest.raises(UsageError) as caught:
            load({name: value}, {}, {})

        assert str(caught.value).startswith(f"{name.replace('_', '-')} must be ")
        assert str(caught.value).endswith(f", not {value!r}")

    @pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in BAD if isinstance(value, str)])
    def test_bad_ones_in_the_environment_are_named_by_their_variable(self, name: str, value: str) -> None:
        with pytest.raises(UsageError, match=f"^WORD_COUNTER_{name.upper()} must be "):
            load({}, {}, {f"WORD_COUNTER_{name.upper()}": value})

    def test_bad_ones_of_the_job_are_named_as_such(self) -> None:
        with pytest.raises(UsageError, match=r"^setting chunk_size of the job must be "):
            load({}, {"chunk_size": 0}, {})

    def test_unknown_ones_are_named_with_those_there_are(self) -> None:
        with pytest.raises(UsageError, match=r"no setting 'chunksize'; there are .*chunk_size"):
            load({"chunksize": 1}, {}, {})

    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("chunk_size", "10", 10),
            ("chunk_size", 10.0, 10),
            ("workers", "0", 0),
            ("timeout", "1.5", 1.5),
            ("resume", "yes", True),
            ("resume", "0", False),
            ("allow", "a, b.c,", ("a", "b.c")),
            ("allow", '["a,b"]', ("a,b",)),
            ("allow", ["a"], ("a",)),
            ("input_root", "/a:/b", ("/a", "/b")),
            ("input_root", " /a:/b ::", (" /a", "/b ")),
            ("input_root", '[" /a", "/b:c "]', (" /a", "/b:c ")),
            ("input_root", [" /a "], (" /a ",)),
            ("partitions", "4096", 4096),
            ("workers", 1024, 1024),
            ("output", Path("x"), "x"),
            ("job_id", "My-job_1", "My-job_1"),
        ],
    )
    def test_good_ones_are_read(self, name: str, text: Any, value: Any) -> None:
        assert getattr(load({name: text}, {}, {}), name) == value


def test_there_are_as_many_workers_as_cores_unless_said_otherwise() -> None:
    assert Settings().worker_count == available_cores() >= 1
    assert Settings(workers=0).worker_count == 0
    assert Settings(workers=3).worker_count == 3


class TestChoices:
    @pytest.mark.parametrize(
        ("name", "environ", "value"),
        [
            ("job", {}, None),
            ("job", {"WORD_COUNTER_JOB": "my_job.py"}, "my_job.py"),
            ("processes", {}, 1),
            ("processes", {"WORD_COUNTER_PROCESSES": ""}, 1),
            ("processes", {"WORD_COUNTER_PROCESSES": "3"}, 3),
            ("burst", {"WORD_COUNTER_BURST": "yes"}, True),
            ("quiet", {"WORD_COUNTER_QUIET": "0"}, False),
            ("json", {"WORD_COUNTER_JSON": "1"}, True),
            ("limit", {"WORD_COUNTER_LIMIT": "0"}, 0),
        ],
    )
    def test_come_from_the_environment(self, name: str, environ: dict[str, str], value: object) -> None:
        assert choice(name, environ) == value

    def test_bad_ones_are_named_by_their_variable(self) -> None:
        with pytest.raises(UsageError, match=r"^WORD_COUNTER_PROCESSES must be a whole number from 1 to 1024, not '0'"):
            choice("processes", {"WORD_COUNTER_PROCESSES": "0"})


def test_a_variable_that_is_no_setting_is_told_of_with_the_one_that_was_meant() -> None:
    environ = {
        "WORD_COUNTER_CHUNKSIZE": "5",
        "WORD_COUNTER_FROBNICATE": "1",
        "WORD_COUNTER_CHUNK_SIZE": "5",
        "WORD_COUNTER_KERNEL": "auto",
        "WORD_COUNTER_PROCESSES": "2",
        "WORD_COUNTER_SERVICE_HOST": "10.0.0.1",
        "WORD_COUNTER_PORT_6379_TCP_ADDR": "10.0.0.1",
        "CHUNKSIZE": "5",
    }

    assert unknown_variables(environ) == [
        "WORD_COUNTER_CHUNKSIZE is not a setting; did you mean WORD_COUNTER_CHUNK_SIZE?",
        "WORD_COUNTER_FROBNICATE is not a setting",
    ]


def test_every_variable_whose_value_is_not_allowed_is_told() -> None:
    environ = {"WORD_COUNTER_CHUNK_SIZE": "many", "WORD_COUNTER_BURST": "perhaps", "WORD_COUNTER_PARTITIONS": "3"}

    assert [error.split()[0] for error in bad_variables(environ)] == ["WORD_COUNTER_CHUNK_SIZE", "WORD_COUNTER_BURST"]


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("WordCount", "wordcount-2"),
        ("Z\u00e4hlung", "zahlung-2"),
        ("\u65e5\u672c", "job-2"),
        ("X" * 100, "x" * 43 + "-2"),
        ("_Under_Score", "_under_score-2"),
    ],
)
def test_an_id_is_made_up_of_any_name_of_a_class(name: str, begin: str) -> None:
    made = made_up_id(name)

    assert made.startswith(begin)
    assert made == job_id(made) == made.lower()
    assert made != made_up_id(name)
