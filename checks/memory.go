package checks

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// memory checks that the machine has the memory that the VM may take: all of it must exist, and it had better be free.
func memory(h Host, wanted int64) Check {
	return Check{
		ID: "memory", Title: "memory",
		Probe: func(ctx context.Context) Finding {
			read := h.linuxMemory
			if h.OS == "darwin" {
				read = h.macMemory
			}
			total, free, err := read(ctx)
			switch {
			case err != nil:
				return Finding{Found: err.Error()}
			case wanted > total:
				return failed("this machine has less memory than the VM", fmt.Sprintf("the VM is to have %s, and this machine has %s", size(wanted), size(total)),
					fmt.Sprintf("make the VM smaller: --memory %dMiB", max(512, total/2>>20)))
			case wanted > free:
				return warning("%s of %s free, and the VM may take %s", size(free), size(total), size(wanted)).because(
					"this machine may become slow", "what else runs takes the rest", "close some programs, or make the VM smaller: --memory 2GiB")
			}
			return ok("%s of %s free", size(free), size(total))
		},
	}
}

func (h Host) linuxMemory(context.Context) (total, free int64, err error) {
	text, err := h.Read("/proc/meminfo")
	if err != nil {
		return 0, 0, err
	}
	values := map[string]int64{}
	for _, match := range regexp.MustCompile(`(?m)^(\w+):\s+(\d+) kB$`).FindAllStringSubmatch(string(text), -1) {
		kib, _ := strconv.ParseInt(match[2], 10, 64) // only digits
		values[match[1]] = kib << 10
	}
	if values["MemTotal"] == 0 {
		return 0, 0, fmt.Errorf("/proc/meminfo names no MemTotal")
	}
	return values["MemTotal"], values["MemAvailable"], nil
}

func (h Host) macMemory(ctx context.Context) (total, free int64, err error) {
	text, _, err := h.sysctl(ctx, "hw.memsize")
	if err != nil {
		return 0, 0, err
	}
	if total, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("hw.memsize is %q", text)
	}
	free, err = h.macFree(ctx)
	return total, free, err
}

// macFree counts what macOS gives up for a program that asks: cached files (inactive) as well.
func (h Host) macFree(ctx context.Context) (int64, error) {
	out, err := h.Run(ctx, "vm_stat")
	if err != nil {
		return 0, err
	}
	page := number(out, `page size of (\d+) bytes`)
	free := page * (number(out, `Pages free:\s+(\d+)\.`) + number(out, `Pages inactive:\s+(\d+)\.`))
	if free == 0 {
		return 0, fmt.Errorf("vm_stat printed %.60q", strings.TrimSpace(out))
	}
	return free, nil
}

// number is the number that the group of pattern matches in text; 0 without a match.
func number(text, pattern string) (n int64) {
	if match := regexp.MustCompile(pattern).FindStringSubmatch(text); match != nil {
		n, _ = strconv.ParseInt(match[1], 10, 64)
	}
	return n
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
