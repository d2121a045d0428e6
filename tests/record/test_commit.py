"""The commit in a run's record is that of qhu, or none."""

import shutil
import subprocess

import pytest

from qhu.record import environment


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout with an ignored environment in it, where the package lies."""

    def git(*arguments):
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        words = ["git", "-C", str(tmp_path), *author, *arguments]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.setattr(environment, "PACKAGE", tmp_path / ".venv" / "qhu")
    environment.PACKAGE.mkdir(parents=True)
    (environment.PACKAGE / "__init__.py").touch()
    (tmp_path / ".gitignore").write_text(".venv\n")
    git("init", "-q")
    git("add", ".gitignore")
    git("commit", "-qm", "Another project")
    return git


def test_the_checkout_around_an_environment_is_not_that_of_qhu(project):
    found = environment._commit()
    assert (found["commit"], found["dirty"]) == (None, None)


def test_a_checkout_of_the_package_is_named(project):
    project("add", "-f", ".venv")
    project("commit", "-qm", "The package")
    found = environment._commit()
    assert (found["commit"], found["dirty"]) == (project("rev-parse", "HEAD"), False)
    (environment.PACKAGE / "__init__.py").write_text("changed")
    assert environment._commit()["dirty"]


def test_a_package_outside_of_any_checkout_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "PACKAGE", tmp_path)
    assert environment._commit()["commit"] is None
    shutil.rmtree(tmp_path)
    assert environment._commit()["commit"] is None
