package lima

import (
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// This file is about what limactl reports about its networks: of networks.yaml, of the daemon socket_vmnet and of the
// rule by which sudo starts that. limactl reconciles them whenever it has started, stopped or deleted any VM, so that
// this fails for VMs that are in none as well. It reports it in words alone (pkg/networks and its subpackages, v2.0 to
// v2.2, which quote differently).

// The commands of several advices. %f is networks.yaml.
const (
	writeSudoers = "limactl sudoers >etc_sudoers.d_lima && " +
		"sudo install -o root etc_sudoers.d_lima /private/etc/sudoers.d/lima"
	installDaemon = "put socket_vmnet where only root can change it: brew install socket_vmnet && " +
		"sudo install -d -o root -g wheel /opt/socket_vmnet/bin && " +
		`sudo install -o root -g wheel "$(brew --prefix)/opt/socket_vmnet/bin/socket_vmnet" /opt/socket_vmnet/bin/; ` +
		"set paths.socketVMNet in %f to /opt/socket_vmnet/bin/socket_vmnet; have sudo start it: " + writeSudoers
)

// networkFaults holds what to do about them, the more specific first.
var networkFaults = []struct {
	message   *lazyregexp.Regexp
	why, next string
}{
	{lazyregexp.New(`cannot (parse|fill default) \S*networks\.yaml`),
		"Lima can't read its list of networks, and starts and stops no VM without it",
		"correct it, or have Lima write it again: mv %f %f.broken"},
	{lazyregexp.New(`has to be installed|daemon socket_vmnet (\(path=\S+\) )?(needs to be installed|is not available)`),
		"a VM is in a network that needs socket_vmnet, and it is not where networks.yaml says", installDaemon},
	{lazyregexp.New(`paths\.varRun error`),
		"root would write files where others can replace them",
		"set paths.varRun to /private/var/run/lima in %f"},
	{lazyregexp.New(`paths\.sudoers error`),
		"others could change what sudo allows", "set paths.sudoers to /private/etc/sudoers.d/lima in %f"},
	{lazyregexp.New(`paths\.socketVMNet error`),
		"root would run a program that others can replace, as Homebrew's can be", installDaemon},
	{lazyregexp.New(`passwordLessSudo error`),
		"networks.yaml names no rule for sudo, and sudo asks for a password, which Lima can't answer",
		"set paths.sudoers to /private/etc/sudoers.d/lima in %f, then: " + writeSudoers},
	{lazyregexp.New(`is out of sync and must be regenerated|can't read .*sudoers|failed to run \[sudo |sudo: a password`),
		"Lima starts socket_vmnet by sudo, and the rule for that is missing or of another version",
		"write the rule: " + writeSudoers},
	{lazyregexp.New(`doesn't seem to be writable by the daemon`),
		"socket_vmnet can't write its files there",
		"give it to the group daemon: sudo chgrp daemon /private/var/run/lima && sudo chmod 775 /private/var/run/lima"},
	{lazyregexp.New(`invalid (group|network name|mode|interface) `),
		"such a value would end up in a command that root runs", "correct it in %f"},
	{lazyregexp.New(`network .+ is not defined|references network .+ which is not defined`),
		"a VM is in a network that networks.yaml doesn't have",
		"add it to %f, or remove it from the profile; `limactl network list` shows those that exist"},
	{lazyregexp.New(`socket_vmnet daemon for .+ network `),
		"macOS did not give socket_vmnet its network, or another one has its addresses",
		"see what it wrote: cat %n/*_socket_vmnet.stderr.log; restarting the Mac helps if that is VMNET_FAILURE"},
	{lazyregexp.New(`failed to start usernet`),
		"Lima's own network between VMs did not start", "see what it wrote: ls -R %n"},
}

// NetworkFault returns why limactl failed and what to do about it, if it was for its networks; home is Lima's home
// directory.
func (e *CommandError) NetworkFault(home string) (why, next string, ok bool) {
	words := strings.NewReplacer("`", "", `"`, "", `\`, "").Replace(e.Detail())
	for _, known := range networkFaults {
		if known.message.MatchString(words) {
			paths := strings.NewReplacer(
				"%f", shellescape.Quote(filepath.Join(home, filenames.ConfigDir, filenames.NetworksConfig)),
				"%n", shellescape.Quote(filepath.Join(home, filenames.NetworksDir)))
			return known.why, paths.Replace(known.next), true
		}
	}
	return "", "", false
}
