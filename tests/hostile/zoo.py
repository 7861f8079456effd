"""Files that an attacker may put into the root: whatever goes by the name of an object, or of a part of
one.  All of them are made anew for each case, from a seed."""

import os
import pathlib
import random
import socket
import stat
import struct

CONTROL_BYTES = 266240
MAGIC = b"FERRY\r\n\x1a"
IDENTITY = "<8sIIIIQQQII"           # up to the checksum; see src/shared/layout.h
BOUNDS = [0, 1, 2, 15, 16, 17, 0xFFF, 0x1000, 0x1001, 0x2000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
          2**62, 2**63 - 1, 2**63, 2**64 - 1]


def checksum(identity):
    """FNV-1a, 64 bits."""
    value = 14695981039346656037
    for byte in identity:
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value


def identity(magic=MAGIC, version=1, kind=1, features=0, flags=0, size=4097, created=1 << 40 | 4711,
             reserved1=0, mode=0o600, reserved2=0, seal=True):
    head = struct.pack(IDENTITY, magic, version, kind % 2**32, features, flags, size % 2**64,
                       created % 2**64, reserved1, mode % 2**32, reserved2)
    return head + struct.pack("<Q", checksum(head) if seal else 0)


def control(**fields):
    return identity(**fields).ljust(CONTROL_BYTES, b"\0")


def scribbled(chance, rng, **fields):
    """A sound identity over bounds and noise, here and there or everywhere."""
    words = [rng.choice(BOUNDS) if rng.random() < chance else 0 for _ in range(2048)]
    near = identity(**fields) + struct.pack(f"<{len(words)}Q", *words)[64:]
    far = CONTROL_BYTES - len(near)
    return near + (rng.randbytes(far) if chance == 1 else bytes(far))


class Root:
    """A root with a zoo in it; `names` are those that `ferry` may be asked about."""

    def __init__(self, directory, seed=1):
        self.path = pathlib.Path(directory)
        self.rng = random.Random(seed)
        self.names = []

    def file(self, name, content=b"", size=None, mode=0o600):
        """A control file of that name; returns its path."""
        path = os.path.join(os.fsencode(self.path), b"ferry." + os.fsencode(name))
        with open(path, "wb") as out:
            out.write(content)
            if size is not None:
                out.truncate(size)
        os.chmod(path, mode)
        self.names.append(name)
        return path

    def part(self, name, part, inode, content=b"", size=None):
        with open(self.path / f"ferry.{name}:{part}:{inode:016x}", "wb") as out:
            out.write(content)
            if size is not None:
                out.truncate(size)

    def object(self, name, data_bytes=4097, said=None, bell=True):
        """All parts of an object, as far as names go."""
        inode = os.stat(self.file(name, control(size=said or data_bytes))).st_ino
        self.part(name, "data", inode, size=data_bytes)
        if bell:
            os.mkfifo(self.path / f"ferry.{name}:bell:{inode:016x}", 0o600)
        return inode

    # ---- Kinds of animals ------------------------------------------------------------------------

    def sizes(self):
        for size in (0, 1, 63, 64, 4095, 4096, 8192, CONTROL_BYTES - 1, CONTROL_BYTES + 1, 2**40):
            self.file(f"size-{size}", control()[:size], size)
            self.file(f"size-garbage-{size}", self.rng.randbytes(min(size, 8192)), size)

    def identities(self):
        fields = ("version", "kind", "features", "flags", "size", "created", "mode", "reserved1")
        for field in fields:
            limit = 2**64 if field in ("size", "created", "reserved1") else 2**32
            for value in BOUNDS[self.rng.randrange(3)::3]:
                if value < limit:
                    self.file(f"{field}-{value}", control(**{field: value}))
        self.file("unsealed", control(seal=False))
        self.file("magic", control(magic=b"FERRY\n\n\n"))

    def memories(self):
        for i in range(6):
            self.file(f"scribbled-{i}", scribbled((0.01, 0.2, 1)[i % 3], self.rng))
            self.object(f"complete-{i}")
            with open(self.path / f"ferry.complete-{i}", "r+b") as out:
                out.seek(64)
                out.write(scribbled((0.01, 0.2, 1)[i % 3], self.rng)[64:])
        label = control()[:1664] + b"\x1b[31mred\n\xff"
        self.file("label", label.ljust(CONTROL_BYTES, b"\0"))
        self.file("temporary", control(), mode=0o1600)

    def oddities(self):
        def node(name):
            self.names.append(name)
            return self.path / f"ferry.{name}"

        os.mkfifo(node("fifo"), 0o666)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(node("socket")))
        os.mkdir(node("directory"))
        os.symlink("/nowhere/at/all", node("dangling"))
        os.symlink("ferry.loop", node("loop"))
        os.symlink("/etc/passwd", node("passwd"))
        os.symlink("/dev/zero", node("zero"))
        os.symlink(self.path.parent / "secret", node("secret"))
        os.link(self.path.parent / "secret", node("hard"))
        self.file("unreadable", control(), mode=0)
        self.file("read-only", control(), mode=0o444)
        if os.geteuid() == 0:
            for name, kind in (("char", stat.S_IFCHR), ("block", stat.S_IFBLK)):
                os.mknod(node(name), kind | 0o666, os.makedev(1, 5))
            for file in [self.file("nobody", control())]:
                os.chown(file, 65534, 65534)
            inode = self.object("nobodys")
            for file in self.path.glob(f"*nobodys*{inode:016x}"):
                os.chown(file, 65534, 65534)

    def names_with_odd_bytes(self):
        for name in (b"\x1b[31mred", b"new\nline", b"\xff\xfe", b"", b".", b"-f", b"a:b", b"x:data:1",
                     b"x:bell:zz", b"x:data:ffffffffffffffffffff", b"\xc2\x9b31m", b"%s%n", b"'\"<&>\\",
                     b"x" * 200, b"x" * 201, b"x" * 249, "\u202eevil".encode(), b" ", b"held:1:2"):
            self.file(os.fsdecode(name), control())

    def parts_that_are_not(self):
        self.object("short", said=8192)
        self.object("long", data_bytes=2**40)
        self.object("no-bell", bell=False)
        inode = self.object("bell-is-file", bell=False)
        self.part("bell-is-file", "bell", inode)
        for name, part in (("data-is-fifo", "data"), ("data-is-link", "data"),
                           ("data-is-directory", "data"), ("bell-is-link", "bell")):
            inode = self.object(name)
            path = self.path / f"ferry.{name}:{part}:{inode:016x}"
            path.unlink()
            if name.endswith("fifo"):
                os.mkfifo(path)
            elif name.endswith("directory"):
                path.mkdir()
            else:
                path.symlink_to(self.path.parent / "secret")

    def everything(self):
        for animals in (self.sizes, self.identities, self.memories, self.oddities,
                        self.names_with_odd_bytes, self.parts_that_are_not):
            animals()
