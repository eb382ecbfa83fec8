# SPDX-License-Identifier: Apache-2.0
"""Debian's kernel, and a root file system for it made of what is installed and built here."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / ".build/vm"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
# Programs of the guest besides what is built: its init, the driver's tools, what sandboxes run, and what the kernel calls.
PROGRAMS = (
    "bash cat chmod cp dmesg env find grep kmod ln losetup ls mkdir mke2fs mkfs.ext4 mount ps realpath rm sed sh sleep sync tr "
    "true umount unshare"
).split()
# What glibc and Python open by name, so that ldd does not list it.
LIBRARIES = "libnss_files.so.2 libnss_dns.so.2 libgcc_s.so.1".split()


class Unavailable(Exception):
    """What the virtual machine needs is not to be had."""


def run(*command, **options):
    try:
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error}") from None
    if result.returncode != 0:
        raise Unavailable(f"{' '.join(str(part) for part in command[:4])}: {(result.stderr or result.stdout).strip()[-800:]}")
    return result.stdout


def kernel():
    """The directory of Debian's current cloud kernel, downloaded and unpacked, but not installed; kept in the build folder."""
    described = run("apt-cache", "depends", KERNEL_PACKAGE)
    names = re.findall(r"Depends: (linux-image-\S+)", described)
    if not names:
        raise Unavailable(f"apt knows no {KERNEL_PACKAGE}: apt-get update?")
    directory = WORK / names[0]
    if (directory / "complete").exists():
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run("apt-get", "download", "-q", names[0], cwd=directory)
    package, = directory.glob("*.deb")
    run("dpkg-deb", "-x", package, directory)
    package.unlink()
    modules, = (directory / "lib/modules").iterdir()
    run("depmod", "-b", directory, modules.name)
    (directory / "complete").touch()
    return directory


class Stage:
    """A directory that becomes a file system: files lie where they lie on this machine."""

    def __init__(self, path):
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)

    def put(self, source, target):
        """One file, as a hard link where that is possible."""
        to = self.path / str(target).lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.exists():
            return
        try:
            os.link(source, to)
        except OSError:
            shutil.copy2(source, to)

    def same(self, source):
        """A file at its own place; the links of the directories above it are followed, and so is its own."""
        source = pathlib.Path(source)
        self.put(source.resolve(), source.parent.resolve() / source.name)

    def tree(self, source, target, skip=()):
        for directory, names, files in os.walk(source):
            names[:] = [name for name in names if name not in skip]
            for name in files:
                path = pathlib.Path(directory, name)
                if path.is_file():
                    self.put(path.resolve(), pathlib.Path(target, path.relative_to(source)))

    def libraries(self, programs):
        """What ldd says that these need, at its own place."""
        listed = subprocess.run(["ldd", *[str(program) for program in programs]], capture_output=True, text=True).stdout
        missing = re.findall(r"(\S+) => not found", listed)
        if missing:
            raise Unavailable(f"libraries that this machine does not have: {missing}")
        for path in sorted(set(re.findall(r"(?:=>\s+|^\s+)(/\S+) \(0x", listed, re.MULTILINE))):
            self.same(path)


def find(program):
    path = shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if path is None:
        raise Unavailable(f"{program} is not installed")
    return path


def root_image(kernel_directory, debug, release):
    """An ext4 image with the tests (built for debugging) and the server (optimised)."""
    stage = Stage(WORK / "stage")
    for name in ("bin", "sbin", "lib", "lib64"):
        if pathlib.Path("/", name).is_symlink():
            os.symlink(os.readlink(f"/{name}"), stage.path / name)
    for name in "dev proc sys tmp run var root home etc/ssl/certs disk usr/local vm usr/sbin usr/bin usr/lib usr/lib64".split():
        (stage.path / name).mkdir(parents=True, exist_ok=True)
    programs = [find(program) for program in PROGRAMS]
    for program in programs:
        stage.same(program)
    os.symlink("kmod", stage.path / "usr/bin/modprobe")
    if not (stage.path / "usr/sbin/modprobe").exists():
        os.symlink("../bin/kmod", stage.path / "usr/sbin/modprobe")

    python = pathlib.Path("/usr/bin/python3").resolve()
    library = pathlib.Path(run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['stdlib'])").strip())
    stage.put(python, python)
    os.symlink(python.name, stage.path / "usr/bin/python3")
    stage.tree(library, library, skip=("__pycache__", "test", "idlelib", "tkinter", "ensurepip"))
    run(python, "-m", "compileall", "-q", "-j0", stage.path / str(library).lstrip("/"), "-s", stage.path, "-p", "/")

    bundle, = debug.glob("*PackageTests.xctest")
    built = {bundle: "/vm/tests.xctest"}
    for name in ("martlet-spawner", "libmartlet-zygote.so"):
        built |= {debug / name: f"/vm/{name}", release / name: f"/vm/release/{name}"}
    built[release / "martlet"] = "/vm/release/martlet"
    for source, target in built.items():
        stage.put(source, target)
    for resources in debug.glob("*.resources"):
        stage.tree(resources, f"/vm/{resources.name}")
    stage.libraries([*programs, python, *built, *(library / "lib-dynload").glob("*.so")])
    for name in LIBRARIES:
        for path in (pathlib.Path("/usr/lib/x86_64-linux-gnu") / name, pathlib.Path("/lib/x86_64-linux-gnu") / name):
            if path.exists():
                stage.same(path)
    # Reading names in archives needs it.
    stage.tree("/usr/lib/locale/C.utf8", "/usr/lib/locale/C.utf8")
    stage.tree(kernel_directory / "lib/modules", "/usr/lib/modules")
    stage.tree(ROOT / "Tests/vm/guest", "/vm/guest")
    stage.put(ROOT / "Scripts/check-leftovers.sh", "/vm/check-leftovers.sh")
    (stage.path / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/tmp:/bin/bash\nuser:x:1000:1000::/tmp:/bin/bash\n")
    (stage.path / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\nuser:x:1000:\n")
    stage.same("/etc/mke2fs.conf")
    (stage.path / "etc/hosts").write_text("127.0.0.1 localhost\n")
    image = WORK / "root.ext4"
    image.unlink(missing_ok=True)
    megabytes = int(run("du", "-sm", stage.path).split()[0])
    run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-E", "root_owner=0:0", "-N", "40000",
        "-d", stage.path, image, f"{megabytes + megabytes // 5 + 64}M")
    shutil.rmtree(stage.path)
    return image


def disk(path, megabytes):
    """An empty ext4 file system with a journal."""
    path.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", path, f"{megabytes}M")
    return path
