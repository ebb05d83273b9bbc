package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// console is what a call of limactl reads and writes.
type console struct {
	json   bool // the log is JSON
	line   func(string)
	now    func() time.Time
	stdin  []byte
	stdout bytes.Buffer
	stderr strings.Builder
	exit   int
}

// fatal is an error that limactl reports in its log before it exits with status 1.
type fatal string

func (f fatal) Error() string { return string(f) }

func fatalf(format string, args ...any) error { return fatal(fmt.Sprintf(format, args...)) }

func (c *console) info(format string, args ...any) { c.log("info", fmt.Sprintf(format, args...)) }
func (c *console) warn(format string, args ...any) { c.log("warning", fmt.Sprintf(format, args...)) }

// log writes one line as logrus does in the format asked for.
func (c *console) log(level, message string) {
	now := c.now().UTC().Format(time.RFC3339)
	if !c.json {
		c.raw(fmt.Sprintf("time=%q level=%s msg=%q", now, level, message))
		return
	}
	line, _ := json.Marshal(map[string]string{"level": level, "msg": message, "time": now}) // strings always marshal
	c.raw(string(line))
}

// raw writes one line to standard error.
func (c *console) raw(line string) {
	c.stderr.WriteString(line + "\n")
	if c.line != nil {
		c.line(line)
	}
}
