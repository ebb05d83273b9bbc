//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net"
)

const greeting = `{"QMP":{"version":{"qemu":{"micro":0,"minor":0,"major":9},"package":"test bed"},"capabilities":[]}}`

// monitor serves a QMP connection: of the commands, those that Lima sends.
func (g *guest) monitor(connection net.Conn) {
	defer connection.Close()
	fmt.Fprintln(connection, greeting)
	// Lima ends no command with a newline: it is a stream of JSON values.
	for decoder := json.NewDecoder(connection); ; {
		var command struct{ Execute string }
		if decoder.Decode(&command) != nil {
			return
		}
		switch command.Execute {
		case "qmp_capabilities":
		case "system_powerdown":
			g.powerDown()
		case "quit":
			g.kill()
		default:
			fmt.Fprintf(connection, `{"error":{"class":"CommandNotFound","desc":%q}}`+"\n", command.Execute)
			continue
		}
		fmt.Fprintln(connection, `{"return":{}}`)
	}
}
