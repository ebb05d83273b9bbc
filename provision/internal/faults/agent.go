package faults

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Socket judges the socket: its state in systemd, the file, and whether a process listens on that file.
func Socket(o *guest.Observation, unanswered string) (reasons []string) {
	file := o.Files[guest.SocketPath]
	if unit := o.Units[o.Layout.Socket()]; unit.Active != "active" {
		reasons = append(reasons, fmt.Sprintf("%s is %s", o.Layout.Socket(), unit.Active))
	} else if wrong := Differs(o, guest.SocketPath, "socket", "660", "root", guest.GroupName); wrong != "" {
		reasons = append(reasons, wrong)
	} else if wrong := accessList(o, guest.SocketPath, ""); wrong != "" {
		reasons = append(reasons, wrong)
	} else if o.Listening != nil && !o.Listening[file.Inode] {
		reasons = append(reasons, fmt.Sprintf("no process listens on %s: systemd's socket is a different one, or lost",
			guest.SocketPath))
	}
	if unanswered != "" {
		reasons = append(reasons, "root asked the agent: "+unanswered)
	}
	return reasons
}

// Service judges the state of the service and the program that it runs.
func Service(o *guest.Observation, unanswered string) (reasons []string) {
	switch service := o.Units[o.Layout.Service()]; {
	case service.Active == "failed" || strings.HasPrefix(service.Sub, "auto-restart"):
		reasons = append(reasons, fmt.Sprintf("%s has failed (%s)", o.Layout.Service(), service.Result))
		reasons = append(reasons, ofOthers(o)...)
	case service.Active == "activating" && unanswered != "":
		reasons = append(reasons, fmt.Sprintf("%s does not come up (%s)", o.Layout.Service(), service.Sub))
		reasons = append(reasons, ofOthers(o)...)
	case service.Active == "active":
		if o.Runs == guest.RunsOther {
			reasons = append(reasons, "the agent that runs is not the one that is installed")
		}
		// systemd makes this directory when the service starts, and removes it when it stops.
		if wrong := Differs(o, guest.RuntimePath, "directory", "750", "root", guest.GroupName); wrong != "" {
			reasons = append(reasons, wrong)
		} else if wrong := accessList(o, guest.RuntimePath, ""); wrong != "" {
			reasons = append(reasons, wrong)
		}
		for _, path := range o.Layout.RuntimePaths() {
			if wrong := Differs(o, path, "directory", "750", "root", guest.GroupName); wrong != "" && o.Sudo {
				reasons = append(reasons, wrong)
			}
		}
	}
	return reasons
}

// ofOthers describes what others have set for our units.
func ofOthers(o *guest.Observation) (reasons []string) {
	for _, wish := range o.Wishes() {
		reasons = append(reasons, "others have set "+wish.Text)
	}
	return reasons
}

// Others returns what others have set up in the guest against the agent, and the commands against it: the socket of
// another unit is not ours to remove, nor is what systemd gives to all services.
func Others(o *guest.Observation) (listening, given, commands []string) {
	for _, other := range o.Strangers {
		already := func(s guest.Stranger) bool { return s.Unit == other.Unit && s.PID != 0 }
		if other.PID == 0 && slices.ContainsFunc(o.Strangers, already) {
			continue
		}
		name, command := other.Unit, "systemctl stop "+other.Unit
		switch {
		case other.Unit == "":
			name, command = fmt.Sprintf("process %d", other.PID), fmt.Sprintf("kill %d", other.PID)
		case strings.HasSuffix(other.Unit, ".socket"):
			command = "systemctl disable --now " + other.Unit
		}
		when := ""
		if other.PID == 0 {
			when = " from the next boot on"
		}
		listening = append(listening, fmt.Sprintf("%s listens at %s too%s", name, guest.SocketPath, when))
		commands = append(commands, "sudo "+command)
	}
	for _, variable := range o.Inherited() {
		name, _, _ := strings.Cut(variable, "=")
		given = append(given, variable+" is in the environment that systemd gives to all services")
		commands = append(commands, "sudo systemctl unset-environment "+shellescape.Quote(name),
			"sudo systemctl restart "+o.Layout.Service())
	}
	return listening, given, commands
}

// WishTexts returns the settings as they are shown.
func WishTexts(wishes []guest.Wish) (texts []string) {
	for _, wish := range wishes {
		texts = append(texts, wish.Text)
	}
	return texts
}

// TakeAway returns the commands that take drop-ins away from our units.
func TakeAway(wishes []guest.Wish) (commands []string) {
	for _, wish := range wishes {
		words := []string{"sudo", "mv", wish.File, wish.File + ".displaced"}
		if wish.File != wish.Override {
			commands = append(commands, shellescape.QuoteCommand([]string{"sudo", "mkdir", "-p", path.Dir(wish.Override)}))
			words = []string{"sudo", "ln", "-s", "/dev/null", wish.Override}
		}
		commands = append(commands, shellescape.QuoteCommand(words))
	}
	return commands
}
