# A host's disk: an ext4 image with what the host changed of the shared root file system. It is mounted in the host's own mount
# namespace alone, by a loop device that frees itself: when the host's last process has ended, both are gone, whoever ended it.

disk_make() { # NAME: all of Debian's own choices for a file system, and its options when it is mounted
  local folder=$run/hosts/$1 size=${RELEVO_LAB_DISK:-4G}
  [[ $size =~ ^[0-9]+[MG]$ ]] || usage "RELEVO_LAB_DISK='$size' is no size: a number with M or G"
  mkdir -p "$folder"/{disk,root} "$folder"/new/{upper/etc,work}
  tr -d - </proc/sys/kernel/random/uuid >"$folder/new/upper/etc/machine-id"
  echo "$1" >"$folder/new/upper/etc/hostname"
  truncate -s "$size" "$folder/image"
  mkfs.ext4 -q -F -d "$folder/new" "$folder/image"
  rm -rf "$folder/new"
}

disk_mount() { # FOLDER
  mount -t ext4 -o loop "$1/image" "$1/disk"
  mount -t overlay -o "lowerdir=$root,upperdir=$1/disk/upper,workdir=$1/disk/work" lab "$1/root"
}
disk_unmount() { # FOLDER
  umount "$1/root" "$1/disk"
}

disk_is_free() { # FOLDER: no loop device holds an image below it
  local file
  for file in /sys/block/loop*/loop/backing_file; do
    [[ $(cat "$file" 2>/dev/null) != "$1/"* ]] || return 1
  done
}

# disk_stop FOLDER PID: the disk, as this process sees it mounted, takes no more writes from now on, not even the journal's: the
# file system's own way to act out a loss of power (EXT4_IOC_SHUTDOWN, "no log flush"). What was synced is in the image, and
# whatever the kernel wrote by itself until now; all else is lost with the kernel's memory of it.
disk_stop() {
  nsenter -t "$2" -m perl -e 'open (my $disk, "<", $ARGV[0]) || die "$ARGV[0]: $!\n";
    my $no_log_flush = pack ("L", 2);
    ioctl ($disk, 0x8004587d, $no_log_flush) || die "$ARGV[0]: $!\n"' "$1/disk"
}
