package main

import (
	"fmt"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// showChange says in one line how a world is now.
func showChange(to *lines, health provision.Health) {
	now := health.Time.Format("15:04:05")
	switch {
	case health.Run != nil:
		to.printf("%s provisioning in progress: %s", now, health.Run)
	case health.Ready:
		to.printf("%s ready", now)
	default:
		to.printf("%s not ready: %s", now, strings.Join(complaints(to, health), "; "))
	}
}

// complaints are what is wrong, the items before those whom they keep from the agent.
func complaints(to *lines, health provision.Health) (words []string) {
	for _, item := range health.Items {
		if item.Outcome == provision.Failed || item.Outcome == provision.Unknown {
			words = append(words, fmt.Sprintf("%s: %s", item.Title, oneLine(to, item.Found)))
		}
	}
	for _, access := range health.Access {
		if access.Outcome != provision.OK {
			words = append(words, fmt.Sprintf("%s: %s", access.Who.Title(), oneLine(to, access.Found)))
		}
	}
	return words
}
