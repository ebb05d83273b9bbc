//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/e2e/perf"
	"github.com/atomize-hq/worldsetup/provision"
)

const agentSize = 100e6 // bytes

// agentRows are about an agent of 100 MB. The last one installs the probe agent again.
func (p *benched) agentRows() []perf.Row {
	var agents [2]string
	made := func() error {
		if agents[0] != "" {
			return nil
		}
		for i := range agents {
			path := filepath.Join(p.files(), fmt.Sprintf("agent-%d", i))
			buildAgent(p.b, path, "./e2e/agent")
			if err := padded(path, agentSize, uint64(i)); err != nil {
				return err
			}
			agents[i] = path
		}
		return nil
	}
	with := func(agent string) []string {
		return []string{"--non-interactive", "--json", "--agent", agent, "--profile", p.rig.profile, p.project}
	}
	turn := 0
	copied := func() (float64, error) {
		turn++
		return p.step(provision.StepAgent, with(agents[turn%2])...)
	}
	direct := func() error {
		file, err := os.Open(agents[0])
		if err != nil {
			return err
		}
		defer file.Close()
		cmd := p.sshCommand(true, "cat >/tmp/copied-agent")
		cmd.Stdin = file
		return p.finish(cmd)
	}
	waited := func() (float64, error) {
		turn++
		var err error
		all := p.connecting(50, func() { _, err = p.step(provision.StepAgent, with(agents[turn%2])...) })
		if len(all.errs) > 0 {
			err = errors.Join(err, fmt.Errorf("%d of %d clients failed: %w", len(all.errs), all.asked, all.errs[0]))
		}
		return all.longest.Seconds(), err
	}
	builtin := func() error { return p.again()() }
	rows := []perf.Row{
		{What: "the step `agent`", Against: "`ssh … 'cat >f'` of the same file", Target: 1.1,
			Ours: perf.After(made, copied), Other: perf.Time(direct)},
		{What: "a rerun with that agent", Against: "`worldsetup status`", // nothing is sent: see TestAgents
			Ours:  perf.After(made, func() (float64, error) { return perf.Time(p.do(with(agents[turn%2])...))() }),
			Other: perf.Time(p.do("status", "--profile", p.rig.profile, p.project))},
		{What: "the longest wait of 50 clients meanwhile", Against: "none failed", Target: 1, Turns: 3, Single: true,
			Ours: perf.After(made, waited)},
		{What: "back to the probe agent", Against: "–", Turns: 1, Single: true, Ours: perf.Time(builtin)},
	}
	for i := range rows {
		rows[i].Group = "agent"
	}
	return rows
}

// padded appends bytes to a file, until it has a size, that can't be compressed. A program stays one.
func padded(path string, size int64, seed uint64) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var seeds [32]byte
	seeds[0] = byte(seed)
	_, err = io.CopyN(file, rand.NewChaCha8(seeds), size-info.Size())
	return err
}

// step is how long a step of a run took.
func (p *benched) step(id provision.StepID, args ...string) (float64, error) {
	var output bytes.Buffer
	cmd := p.command(p.b.Context(), suite.binary, args...)
	cmd.Stdout = &output
	if err := p.finish(cmd); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(&output)
	lines.Buffer(nil, 1<<20)
	var ran []provision.StepID
	for lines.Scan() {
		var event provision.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return 0, err
		}
		if event.Type == provision.EventStep && event.Step.State == provision.StepDone {
			if ran = append(ran, event.Step.ID); event.Step.ID == id {
				return event.Step.Elapsed.Seconds(), nil
			}
		}
	}
	return 0, fmt.Errorf("the step %s did not run, only %v", id, ran)
}
