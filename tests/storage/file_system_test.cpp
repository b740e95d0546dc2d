#include "storage/file_system.h"

#include <doctest/doctest.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <string>

#include "storage/database.h"
#include "tests/temporary_directory.h"

using namespace memtrack;
using memtrack::testing::TemporaryDirectory;

TEST_CASE("file systems that reach over a network are known by their number, those of FUSE by their mount's type") {
  const struct {
    std::uint32_t magic;
    const char* mount_type;
    const char* name;  // empty: local
  } cases[] = {
      {0x6969, "nfs4", "NFS"},
      {0xFF534D42, "cifs", "CIFS"},
      {0xFE534D42, "cifs", "SMB2"},
      {0x01021997, "9p", "9P"},
      {0x00C36400, "ceph", "Ceph"},
      {0x0BD00BD0, "lustre", "Lustre"},
      {0x47504653, "gpfs", "GPFS"},
      {0x5346414F, "afs", "AFS"},
      {0x65735546, "fuse.sshfs", "FUSE sshfs"},
      {0x65735546, "fuse.glusterfs", "FUSE glusterfs"},
      {0x65735546, "fuse.bindfs", ""},
      {0x65735546, "fuseblk", ""},
      {0x65735546, "", ""},
      {0xEF53, "ext4", ""},
      {0x9123683E, "btrfs", ""},
      {0x58465342, "xfs", ""},
      {0x794C7630, "overlay", ""},
      {0x01021994, "tmpfs", ""},
      {0, "", ""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.mount_type);
    CHECK(network_name({.magic = c.magic, .mount_type = c.mount_type}).value_or("") == c.name);
  }
}

TEST_CASE("a mount's type is found by its device, whatever stands around it") {
  const std::string mountinfo =
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
      "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n"
      "40 35 0:45 / /home/me/far rw,nosuid shared:3 - fuse.sshfs me@there:/data rw\n"
      "41 35 0:46\n"
      "42 35 0:47 / /cut rw -\n";
  CHECK(find_mount_type(mountinfo, makedev(98, 0)) == "ext3");
  CHECK(find_mount_type(mountinfo, makedev(0, 45)) == "fuse.sshfs");
  CHECK(find_mount_type(mountinfo, makedev(0, 46)).empty());
  CHECK(find_mount_type(mountinfo, makedev(0, 47)).empty());
  CHECK(find_mount_type(mountinfo, makedev(0, 4)).empty());
  CHECK(find_mount_type("", makedev(98, 0)).empty());
}

TEST_CASE("a file that is not there yet lies where the nearest folder above it does") {
  const TemporaryDirectory folder;
  const auto found = file_system_of(folder.path());
  REQUIRE(found);
  CHECK_FALSE(found->mount_type.empty());
  const auto deep = file_system_of(folder / "not/yet/there/memtrack.db");
  REQUIRE(deep);
  CHECK(deep->magic == found->magic);
  CHECK(deep->mount_type == found->mount_type);
  CHECK(file_system_of("/proc/self")->mount_type == "proc");
  CHECK(file_system_of("not-there.db"));
}

TEST_CASE("a database on a network is refused in one sentence that names a way out") {
  refuse_network("/data/memtrack.db", {.magic = 0xEF53, .mount_type = "ext4"});
  CHECK_THROWS_WITH_AS(refuse_network("/data/memtrack.db", {.magic = 0x6969, .mount_type = "nfs4"}),
                       "cannot write /data/memtrack.db: it lies on NFS, a network file system, where SQLite's locks do "
                       "not hold; name a local file on each machine with --db or MEMTRACK_DB, and bring their trials "
                       "together with 'memtrack merge'",
                       StorageError);
}

TEST_CASE("what speaks against writing a database somewhere is said") {
  const TemporaryDirectory folder;
  std::ofstream(folder / "file") << "text";
  CHECK(writing_problem(folder / "not/yet/there/memtrack.db").empty());
  CHECK(writing_problem(folder / "file").empty());
  CHECK(writing_problem(folder.path()) == folder.path().string() + " is a folder");
  CHECK(writing_problem(folder / "file/memtrack.db") ==
        (folder / "file/memtrack.db").string() + " cannot be made: " + (folder / "file").string() + " is no folder");
  CHECK_THROWS_WITH_AS(Database::open_for_writing(folder.path()),
                       ("cannot open the database for writing: " + folder.path().string() +
                        " is a folder; name another file with --db or MEMTRACK_DB")
                           .c_str(),
                       StorageError);
}
