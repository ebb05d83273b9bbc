# watch.sh MOUNTPOINT...
# Prints "change" whenever something of the world changes, and a "." every few seconds, until standard input ends. Changes nothing.
# It is perl, which every Debian and Ubuntu has: one process that observes twice a second costs the guest next to nothing, and a
# shell would need a process for every observation.
exec perl -e '
    $| = 1;
    my @points = @ARGV;
    my $name = $ENV{UNIT};
    my $unit = "/etc/systemd/system/$name";
    my @paths = ("/", "/run", "/usr", "/usr/local", "/usr/local/bin", "/etc", "/etc/systemd", "/var", "/var/lib",
        "/etc/systemd/system", "/etc/systemd/system/sockets.target.wants", "/etc/systemd/system/multi-user.target.wants",
        (map { my $type = $_; map { "$_/$name.$type" }
            "/run/systemd/transient", "/run/systemd/generator.early", "/run/systemd/system.control", "/etc/systemd/system.control" } qw(service socket)),
        "/run/systemd/system", "/run/systemd/system.control", "/etc/systemd/system.control",
        "$unit.service.d", "$unit.socket.d", "$unit.service", "$unit.socket", "/usr/local/bin/$name",
        "/usr/local/bin/substrate-gateway", "/usr/local/bin/substrate", "/usr/local/bin/world",
        "/etc/substrate-lima-layout", "/run/substrate.sock", "/run/substrate", "/var/lib/substrate", "$ENV{HOME}/.substrate",
        "/etc/group", "/var/lib/systemd/linger", "$ENV{HOME}/.ssh/authorized_keys", "/usr/bin", "/usr/sbin");
    # Every ssh session has a file in /run/systemd/transient, so only ours are searched for there.
    # Contents matter of files only: the times of a directory like /run change with everything in it.
    my $boot;
    sub observe {
        my @seen;
        for my $path (@paths) {
            my @stat = lstat $path;
            push @seen, join(",", @stat[1, 2, 4, 5], $path =~ m{^/(run|var|etc|var/lib|usr)?$} ? () : @stat[7, 9, 10]);
        }
        my $group = "/sys/fs/cgroup/system.slice/$name.service/cgroup.procs";
        if (open my $procs, "<", $group) {
            for my $pid (sort <$procs>) {
                chomp $pid;
                my $state = "";
                if (open my $status, "<", "/proc/$pid/stat") { $state = "T" if (<$status> // "") =~ m{\) [Tt] } }
                push @seen, $pid . $state;
            }
        }
        if (open my $mounts, "<", "/proc/self/mountinfo") {
            for my $line (<$mounts>) {
                my @fields = split / /, $line;
                $fields[4] =~ s/\\([0-7]{3})/chr oct $1/ge;
                push @seen, $line if grep { $_ eq $fields[4] } "/", @points;
            }
        }
        if (open my $sockets, "<", "/proc/net/unix") {
            push @seen, (split / +/)[6] for grep { m{ 00010000 0001 01 .* /run/substrate[.]sock$} } <$sockets>;
        }
        # A clock that was set shows as a boot at another time, which is good to a second.
        if (open my $uptime, "<", "/proc/uptime") {
            my $now = time - (split / /, <$uptime>)[0];
            $boot = $now if !defined $boot || abs($now - $boot) > 2;
            push @seen, $boot;
        }
        return join "|", @seen;
    }
    my ($last, $beats) = ("", 0);
    while (1) {
        my $now = observe();
        print $now eq $last ? ($beats++ % 10 ? "" : ".\n") : "change\n";
        $last = $now;
        my $ready = "";
        vec($ready, fileno(STDIN), 1) = 1;
        exit 0 if select($ready, undef, undef, 0.5) && !sysread STDIN, my $ignored, 512;
    }
' -- "$@"
