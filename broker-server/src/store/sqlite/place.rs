//! Where the file is: on a disk of this machine, not where others may have it, too. Locks and shared memory, which keep
//! two processes from writing at once, do not reach over a network.

use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// File systems that several machines share, as Linux calls them.
const NETWORKS: &[&str] = &[
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb2",
    "smb3",
    "smbfs",
];
/// The same of those that run as programs.
const NETWORK_PROGRAMS: &[&str] = &[
    "ceph",
    "ceph-fuse",
    "davfs",
    "davfs2",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "mount-s3",
    "nfs",
    "rclone",
    "s3fs",
    "smb",
    "sshfs",
];

/// Refuses a store on a network file system. Where the system does not tell what is mounted, nothing is refused.
pub(super) fn refuse_networks(database: &Path) -> Result<(), StoreError> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(folder) = folder.unwrap_or(Path::new(".")).canonicalize() else {
        // opening the file will say what is wrong
        return Ok(());
    };
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo") else { return Ok(()) };
    match network(&mounts, &folder) {
        None => Ok(()),
        Some(kind) => {
            Err(StoreError::Network { path: database.display().to_string(), kind: kind.to_owned() })
        }
    }
}

/// What the file system of the folder is called, if it is one of a network.
fn network<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    // of mounts on one place, the last one covers the others
    let (_, kind) = mounts
        .lines()
        .filter_map(mount)
        .filter(|(place, _)| folder.starts_with(place))
        .max_by_key(|(place, _)| place.components().count())?;
    let is_network = match kind.strip_prefix("fuse.") {
        Some(program) => NETWORK_PROGRAMS.contains(&program),
        None => NETWORKS.contains(&kind),
    };
    is_network.then_some(kind)
}

/// Place and kind in a line such as `36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/root rw`.
fn mount(line: &str) -> Option<(PathBuf, &str)> {
    let (places, kinds) = line.split_once(" - ")?;
    Some((PathBuf::from(unescaped(places.split(' ').nth(4)?)), kinds.split(' ').next()?))
}

/// Spaces and the like are written as a backslash and three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let octal = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal {
            Some(byte) => {
                plain.push(byte.into());
                plain.push_str(part.get(3..).unwrap_or_default());
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw - nfs4 server:/home rw,vers=4.2
31 30 8:2 / /home/local rw - xfs /dev/sda2 rw
32 22 0:41 / /mnt/with\\040space rw - cifs //server/share rw
33 22 0:42 / /mnt/ssh rw - fuse.sshfs me@server: rw
34 22 0:43 / /mnt/ntfs rw - fuse.ntfs-3g /dev/sdb1 rw
35 22 0:44 / /mnt/covered rw - nfs server:/x rw
36 35 8:3 / /mnt/covered rw - ext4 /dev/sdc1 rw
no mount at all
";

    #[test]
    fn a_store_on_a_network_is_told_from_one_on_a_disk() {
        for (folder, expected) in [
            ("/", None),
            ("/var/lib/broker", None),
            ("/home/me", Some("nfs4")),
            ("/homestead", None),
            ("/home/local/broker", None),
            ("/mnt/with space/x", Some("cifs")),
            ("/mnt/ssh", Some("fuse.sshfs")),
            ("/mnt/ntfs", None),
            ("/mnt/covered", None),
        ] {
            assert_eq!(network(MOUNTS, Path::new(folder)), expected, "{folder}");
        }
        assert_eq!(network("", Path::new("/")), None);
    }

    #[test]
    fn a_temporary_folder_of_this_machine_is_not_refused() {
        let folder = tempfile::tempdir().unwrap();
        refuse_networks(&folder.path().join("broker.db")).unwrap();
        refuse_networks(Path::new("broker.db")).unwrap();
    }
}
