package checks

import (
	"context"
	"strings"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// directives are lines that the units must hold for a world to be one; a build without them was tampered with or cut off.
var directives = struct{ socket, service []string }{
	[]string{"ListenStream=" + lima.GuestSocket, "SocketMode=0660", "SocketUser=root", "SocketGroup=substrate", "WantedBy=sockets.target"},
	[]string{"ExecStart=/usr/local/bin/substrate-world-agent", "Group=substrate", "NoNewPrivileges=yes", "ProtectSystem=strict", "WantedBy=multi-user.target"},
}

// builtin checks that what worldsetup puts into a VM is whole.
func builtin() Check { return builtinFiles(embed.SocketUnit(), embed.ServiceUnit, embed.Profile()) }

func builtinFiles(socket string, service func(home string, netfilter bool) (string, error), profile []byte) Check {
	return Check{
		ID: "built-in-files", Title: "units and profile",
		Probe: func(context.Context) Finding {
			unit, err := service("/home/user", false)
			if err != nil {
				return damaged("the service unit: " + err.Error())
			}
			if _, err := lima.ParseProfile(profile); err != nil {
				return damaged("the profile: " + err.Error())
			}
			if line := lacking(socket, directives.socket) + lacking(unit, directives.service); line != "" {
				return damaged("a unit lacks " + line)
			}
			return ok("built in, whole")
		},
	}
}

// lacking is the first of lines that text does not hold; empty when it holds all.
func lacking(text string, lines []string) string {
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			return line
		}
	}
	return ""
}

func damaged(why string) Finding {
	return failed("this build of worldsetup is damaged", why, "build it again: go build ./cmd/worldsetup in a fresh checkout")
}
