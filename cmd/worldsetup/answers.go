package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// source says what has given a value.
type source string

// The sources, of which each beats those below it. The last three say where a value comes from that nobody has given.
const (
	fromArgument    source = "argument"
	fromFlag        source = "flag"
	fromEnvironment source = "environment"
	fromProjectFile source = "project-file"
	fromUserFile    source = "user-file"
	fromVM          source = "vm"
	fromProfile     source = "profile"
	fromDefault     source = "default"
)

var givers = []source{fromFlag, fromEnvironment, fromProjectFile, fromUserFile}

// answer is a setting with a value that was given for it.
type answer struct {
	setting setting
	value   string
	source  source
	where   string // the flag, the variable, or the file with the line
}

// covers says which settings one speaks for as well: a size that is given by a flag is not undone by a number of processors
// in a file, and a digest belongs to the image beside it.
var covers = map[string][]string{"size": {"cpus", "memory", "disk"}, "image": {"image-digest"}}

// countingOnes are the answers that count, in the order in which they take effect.
func countingOnes(settings []setting, all []answer) (counting []answer) {
	for _, setting := range settings {
		if best, is := bestOf(all, setting.flag); is && !covered(all, best) {
			counting = append(counting, best)
		}
	}
	return counting
}

func bestOf(all []answer, flag string) (answer, bool) {
	for _, source := range givers {
		i := slices.IndexFunc(all, func(a answer) bool { return a.source == source && a.setting.flag == flag })
		if i >= 0 {
			return all[i], true
		}
	}
	return answer{}, false
}

// covered says whether something that beats it speaks for a.
func covered(all []answer, a answer) bool {
	for flag, covered := range covers {
		if !slices.Contains(covered, a.setting.flag) {
			continue
		}
		if over, is := bestOf(all, flag); is && slices.Index(givers, over.source) < slices.Index(givers, a.source) {
			return true
		}
	}
	return false
}

// apply puts the answer into a Spec, and finds out whether the answer can be. The project was judged before, and the consent
// is when the VM is known.
func (a answer) apply(spec *provision.Spec) error {
	if err := a.setting.set(spec, a.value); err != nil {
		return a.wrong(err)
	}
	judged := *spec
	judged.Project, judged.Replace = "", ""
	_, err := judged.Resolve()
	return a.wrong(err)
}

// wrong says in err where the answer came from. What a flag says, the person sees.
func (a answer) wrong(err error) error {
	failure := provision.AsError(err)
	if failure == nil || a.source == fromFlag {
		return err
	}
	wrong := *failure
	if a.source == fromEnvironment {
		wrong.Why = withLine(failure.Why, a.origin())
		return &wrong
	}
	wrong.What = fmt.Sprintf("%s: %s: %s", a.where, a.setting.flag, failure.What)
	wrong.Next = strings.ReplaceAll(failure.Next, "--"+a.setting.flag+" ", a.setting.flag+": ")
	return &wrong
}

// origin says who has given what.
func (a answer) origin() string {
	if a.source == fromEnvironment {
		return fmt.Sprintf("the environment has %s=%q", a.where, a.value)
	}
	return fmt.Sprintf("%s has %s: %s", a.where, a.setting.flag, a.value)
}

// unlike adds to the error of a consent to the wrong VM who has named the VM, unless a flag has.
func unlike(answers []answer, err error) error {
	failure := provision.AsError(err)
	if i := indexOf(answers, "vm"); failure != nil && i >= 0 && answers[i].source != fromFlag {
		blamed := *failure
		blamed.Why = withLine(failure.Why, answers[i].origin())
		return &blamed
	}
	return err
}

// blame adds to a usage error who has named the file that it is about, unless a flag has: what is wrong with a file shows
// only when it is used.
func blame(answers []answer, err error) error {
	failure := provision.AsError(err)
	if failure == nil || failure.Kind != provision.KindUsage {
		return err
	}
	for _, answer := range answers {
		about := namesFile(answer.setting.flag, answer.value) && strings.Contains(failure.What, filepath.Base(answer.value))
		if answer.source != fromFlag && about {
			blamed := *failure
			blamed.Why = withLine(failure.Why, answer.origin())
			return &blamed
		}
	}
	return err
}

func withLine(text, line string) string {
	if text == "" {
		return line
	}
	return text + "\n" + line
}
