"""The ``./postroom`` script, CI and the lock files, in a clone where Python is a stand-in.

The stand-in writes down what it is asked to do and installs nothing, so that set-ups can be
interrupted, repeated and run at the same time within seconds and without a network.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml
from django.conf import settings

from tests import locks_check

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = [ROOT / "postroom", ROOT / ".ci/run", ROOT / "tests/throwaway_postgres.sh"]
POSTGRES = ROOT / "tests/throwaway_postgres.sh"

STAND_IN = r"""#!/bin/sh
case "$*" in
    *ensurepip*) echo "$0" ;;
    *fcntl*) exec "$REAL_PYTHON" "$@" ;;
    "-c import sys, pip"*) ;;
    -V) echo "Python 3.13.0" ;;
    "-m venv "*) echo venv >>"$NOTES"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip "*)
        for lock; do :; done
        echo "pip $(basename "$lock")" >>"$NOTES"
        exec sleep "${PIP_TAKES:-0}"
        ;;
    *) printf '%s|' "$PWD" "${DATABASE_URL%%:*}" "$@"; echo; [ "$1 $2" != "${FAILING:-}" ] ;;
esac
"""
POSTGRES_STAND_IN = r"""#!/bin/sh
[ "$1" != programs ] || exit "${NO_POSTGRES:-0}"
shift
DATABASE_URL=postgres://stand-in "$@"
"""


@dataclass(frozen=True)
class Clone:
    """A copy of the script in a folder of its own, and the environment to run it in."""

    root: Path
    env: dict[str, str]

    def start(self, *args: str, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "postroom", *args],
            env=self.env | env,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str, cwd: Path | None = None, **env: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        process = self.start(*args, cwd=cwd, **env)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    @property
    def notes(self) -> list[str]:
        path = Path(self.env["NOTES"])
        return path.read_text().split("\n")[:-1] if path.exists() else []


def program(path: Path, text: str = "#!/bin/sh\nexit 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path):
    root = tmp_path / "Post Room"
    (root / "tests").mkdir(parents=True)
    shutil.copy(ROOT / "postroom", root)
    program(root / "tests/throwaway_postgres.sh", POSTGRES_STAND_IN)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (root / name).write_text("x==1 --hash=sha256:0\n")
    stand_ins = tmp_path / "bin"
    program(stand_ins / "python3.13", STAND_IN)
    for name in ("python3.12", "python3"):
        program(stand_ins / name)
    for name in ("chromium", "msgfmt"):
        program(stand_ins / name)
    # The script must not reach for apt on the machine that runs this test.
    program(stand_ins / "id", "#!/bin/sh\necho 1000\n")
    env = {
        "PATH": f"{stand_ins}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "REAL_PYTHON": sys.executable,
        "NOTES": str(tmp_path / "notes"),
    }
    return Clone(root, env)


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_first_command_makes_the_environment_and_the_second_is_instant(clone):
    assert clone.run("setup")[0] == 0
    assert clone.notes == ["venv", "pip requirements.lock"]

    code, out, err = clone.run("setup")

    assert (code, out, err) == (0, "", "postroom: ready\n")
    assert clone.notes == ["venv", "pip requirements.lock"]


def test_changed_lock_is_installed_into_the_same_environment(clone):
    clone.run("setup")
    (clone.root / "requirements.lock").write_text("x==2 --hash=sha256:0\n")

    assert clone.run("setup")[0] == 0

    assert clone.notes == ["venv", "pip requirements.lock", "pip requirements.lock"]


def test_tests_install_the_development_lock_once_and_running_does_not_undo_it(clone):
    for command in (["check"], ["migrate"], ["check"]):
        clone.run(*command)

    assert clone.notes == ["venv", "pip requirements.lock", "pip requirements-dev.lock"]


def test_interrupted_set_up_is_made_again_from_nothing(clone):
    process = clone.start("setup", PIP_TAKES="60")
    wait_for(lambda: "pip requirements.lock" in clone.notes)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (clone.root / ".venv/half-written").touch()

    assert clone.run("setup")[0] == 0

    assert clone.notes == ["venv", "pip requirements.lock"] * 2
    assert not (clone.root / ".venv/half-written").exists()


def test_environment_whose_python_is_gone_is_made_again(clone):
    clone.run("setup")
    (clone.root / ".venv/bin/python").unlink()

    assert clone.run("setup")[0] == 0

    assert clone.notes.count("venv") == 2


def test_two_set_ups_at_once_take_turns(clone):
    first = clone.start("setup", PIP_TAKES="1")
    wait_for(lambda: "pip requirements.lock" in clone.notes)
    code, _, err = clone.run("setup")
    first.communicate()

    assert (first.returncode, code) == (0, 0)
    assert "waiting for another set-up" in err
    assert clone.notes == ["venv", "pip requirements.lock"]


def test_python_of_pyenv_is_found_when_its_shims_fail(clone):
    bin_folder = Path(clone.env["PATH"].split(":")[0])
    hidden = Path(clone.env["HOME"]) / ".pyenv/versions/3.13.9/bin/python"
    hidden.parent.mkdir(parents=True)
    (bin_folder / "python3.13").rename(hidden)
    program(bin_folder / "python3.13")

    assert clone.run("setup")[0] == 0


def test_it_says_how_to_get_a_python_when_there_is_none(clone):
    program(Path(clone.env["PATH"].split(":")[0]) / "python3.13")

    code, out, err = clone.run("setup")

    assert (code, out) == (1, "")
    assert "Python 3.12 or newer is needed" in err
    assert not (clone.root / ".venv").exists()


def test_other_commands_reach_manage_py_with_their_arguments_and_folder(clone, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(clone.root / "postroom")
    out = subprocess.run(
        [link, "send_message", "a b", "*"], env=clone.env, cwd=tmp_path, capture_output=True
    ).stdout.decode()

    assert out == f"{tmp_path}||{clone.root}/manage.py|send_message|a b|*|\n"


def test_demo_runs_in_the_clone(clone, tmp_path):
    out = clone.run("demo", "--once", "--orders", "2", cwd=tmp_path)[1]

    assert out == f"{clone.root}||-m|demo|--once|--orders|2|\n"


def test_suite_runs_on_both_databases_even_if_the_first_fails(clone):
    code, out, err = clone.run("test", "-k", "a or b", FAILING="-m pytest")

    assert code == 1
    assert out.splitlines() == [
        f"{clone.root}|sqlite|-m|pytest|-n|2|--dist|loadgroup|-k|a or b|",
        f"{clone.root}|postgres|-m|pytest|-n|2|--dist|loadgroup|-k|a or b|",
    ]
    assert "tests failed on: sqlite postgres" in err


def test_number_of_test_processes_can_be_given(clone):
    code, out, _ = clone.run("test", "-n0", POSTROOM_TEST_DB="sqlite")

    assert (code, out) == (0, f"{clone.root}|sqlite|-m|pytest|-n0|\n")


def test_missing_system_package_is_named_to_those_who_may_not_install_it(clone):
    code, out, err = clone.run("test", NO_POSTGRES="1")

    assert (code, out) == (1, "")
    assert "the test-suite needs postgresql." in err


def test_check_runs_every_step_and_names_the_failed_ones(clone):
    code, out, err = clone.run("check", FAILING="-m ruff")

    assert code == 1
    assert re.findall(r"== (.*)", out) == [
        "ruff check",
        "ruff format",
        "mypy",
        "djlint",
        "migrations",
        "deployment",
        "lock files",
        "promises",
        "translations",
    ]
    assert "checks failed: ruff check, ruff format\n" in err


def test_bench_lists_what_there_is(clone):
    (clone.root / "bench").mkdir()
    (clone.root / "bench/send.py").write_text('"""How fast mail leaves."""\n')

    assert "send         How fast mail leaves." in clone.run("bench")[1]
    code, out, err = clone.run("bench", "../send")
    assert (code, "there is no benchmark called ../send" in err) == (1, True)
    assert "send         How fast mail leaves." in out
    assert clone.run("bench", "send", "--json")[1] == f"{clone.root}||-m|bench.send|--json|\n"


@pytest.mark.parametrize("failing", ["check", "test", ""])
def test_ci_runs_check_and_test_and_fails_with_either(tmp_path, failing):
    program(tmp_path / ".ci/run", (ROOT / ".ci/run").read_text())
    program(tmp_path / "postroom", f'#!/bin/sh\necho "ran $1"\n[ "$1" != "{failing}" ]\n')

    done = subprocess.run([tmp_path / ".ci/run"], cwd="/", capture_output=True, text=True)

    assert re.findall("^ran (.*)$", done.stdout, re.M) == ["check", "test"]
    assert done.returncode == (1 if failing else 0)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_executable_and_well_formed(script):
    shell = "bash" if script.name == "run" else "sh"

    assert os.access(script, os.X_OK)
    assert subprocess.run([shell, "-n", script]).returncode == 0
    if shutil.which("shellcheck"):
        assert subprocess.run(["shellcheck", script]).returncode == 0


@pytest.fixture
def postgres_folder():
    """A folder for throw-away servers: pytest's own ones are closed to the server's user."""
    if subprocess.run([POSTGRES, "programs"], capture_output=True).returncode:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def start_postgres(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """A run that ends when its standard input is closed, and the address of its server."""
    process = subprocess.Popen(
        [POSTGRES, "run", *options, "sh", "-c", "echo $DATABASE_URL; cat; exit 7"],
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize(("options", "fsync"), [([], "off"), (["--fsync"], "on")])
def test_throwaway_postgres_answers_and_leaves_nothing_behind(postgres_folder, options, fsync):
    process, url = start_postgres(postgres_folder, *options)
    with psycopg.connect(url) as connection:
        assert connection.execute("show fsync").fetchone() == (fsync,)
    assert len(os.listdir(postgres_folder)) == 1

    process.communicate("")

    assert process.returncode == 7
    assert os.listdir(postgres_folder) == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_throwaway_postgres_ends_with_a_killed_run(postgres_folder):
    process, url = start_postgres(postgres_folder)
    psycopg.connect(url).close()

    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    wait_for(lambda: os.listdir(postgres_folder) == [])
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_lock_files_hold_what_the_project_asks_for():
    assert locks_check.complaints(ROOT) == []


@pytest.mark.parametrize(
    ("lock", "complaint"),
    [
        ("--index-url mirror.example\nx==1 --hash=sha256:0", "line 1 has an address"),
        ("x @ https://host.example/x.whl --hash=sha256:0", "line 1 has an address"),
        ("x==1\n    # via y", "x==1 has no hash"),
        ("x==3 --hash=sha256:0", "x 3 does not satisfy x<3,>=1"),
        ("y==1 --hash=sha256:0", "x is missing"),
    ],
)
def test_wrong_lock_file_is_complained_about(tmp_path, lock, complaint):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["x>=1,<3"]\n[dependency-groups]\ndev = []\n'
    )
    (tmp_path / "requirements.lock").write_text(lock)
    (tmp_path / "requirements-dev.lock").write_text("x==2 --hash=sha256:0\n")

    assert any(complaint in text for text in locks_check.complaints(tmp_path))


def test_version_that_is_not_the_tested_one_is_complained_about():
    assert locks_check.differing({"x": "1"}, {"x": "2"}) == ["x is 2, but 1 in requirements.lock"]


def test_pre_commit_uses_nothing_from_elsewhere():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())

    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert {hook["language"] for repo in config["repos"] for hook in repo["hooks"]} == {"system"}


def test_example_environment_names_only_settings_that_exist():
    named = re.findall(r"(?m)^#?\s?([A-Z_]+)=", (ROOT / ".env.example").read_text())
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config/settings.py").read_text())

    assert named
    assert set(named) <= set(read)


def test_test_run_stays_away_from_the_installation_in_the_same_clone():
    assert ROOT not in Path(settings.DATA_DIR).parents
