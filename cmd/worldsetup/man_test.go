package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestManPages(t *testing.T) {
	dir := t.TempDir()
	root := (&app{errors: &lines{}, getenv: os.Getenv}).rootCommand()
	if err := writeManPages(dir, root, time.Unix(1.7e9, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"worldsetup.1": {`.TH "WORLDSETUP" "1" "Nov 2023"`, `worldsetup \- set up or repair a world`, `\fB\-\-vm\fR`,
			"PROJECT is the directory", `\fBworldsetup\-status\fR(1)`},
		"worldsetup-list.1": {`.B worldsetup list [flags]`,
			`\fB\-q\fR, \fB\-\-quiet\fR` + "\nprint only errors, and never ask",
			".EX\n  worldsetup list\n", `\fBworldsetup\fR(1)`},
		"worldsetup-completion-bash.1": {`.SH NAME`},
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		for _, want := range wants {
			if err != nil || !strings.Contains(string(page), want) {
				t.Errorf("%s: %v, it lacks %q:\n%s", name, err, want, page)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "worldsetup-help.1")); err == nil {
		t.Error("there is a page about help")
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		`a\b`: `a\eb`, ".PP\n'so": "\\&.PP\n\\&'so", "--vm": `\-\-vm`, "a.b's": "a.b's",
	} {
		if got := roff(text); got != want {
			t.Errorf("roff(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestManDate(t *testing.T) {
	if got := manDate(func(string) string { return "1700000000" }).Format(time.DateOnly); got != "2023-11-14" {
		t.Errorf("the date is %s", got)
	}
}
