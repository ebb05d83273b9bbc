package sim

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

func (m *machine) rm(args []string) error {
	for _, path := range operands(args) {
		m.remove(path)
	}
	return nil
}

func (m *machine) mkdir(args []string) error {
	for _, path := range operands(args) {
		m.put(path, file{kind: directory, mode: 0o755})
	}
	return nil
}

func (m *machine) mv(args []string) error {
	names := operands(args)
	if _, err := m.find(names[0]); err != nil {
		return err
	}
	m.move(names[0], names[1])
	return nil
}

func (m *machine) truncate(args []string) error {
	f, err := m.find(args[len(args)-1])
	if err == nil {
		m.version++
		f.data, f.version = nil, m.version
	}
	return err
}

func (m *machine) printf(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("sim: printf wants TEXT >FILE")
	}
	text, name := strings.ReplaceAll(args[0], `\n`, "\n"), path.Clean(args[2])
	f := m.files[name]
	if f == nil {
		f = m.put(name, file{kind: regular, mode: 0o644})
	}
	if args[1] == ">" {
		f.data = nil
	}
	m.version++
	f.data, f.version = append(append([]byte{}, f.data...), text...), m.version
	return nil
}

func (m *machine) chmod(args []string) error {
	mode, err := strconv.ParseUint(args[0], 8, 32)
	if err != nil {
		return err
	}
	f, err := m.find(args[1])
	if err == nil {
		f.mode = uint32(mode)
	}
	return err
}

func (m *machine) find(path string) (*file, error) {
	if f := m.files[path]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("%s: No such file or directory", path)
}

func (m *machine) ln(args []string) error {
	names := operands(args)
	m.put(names[1], file{kind: symlink, mode: 0o777, data: []byte(names[0])})
	return nil
}

func (m *machine) touch(args []string) error {
	f, err := m.find(args[0])
	if err == nil {
		m.version++
		f.version = m.version
	}
	return err
}

// mount lays another directory over a mount point.
func (m *machine) mount(args []string) error {
	point := args[len(args)-1]
	if args[0] == "--bind" {
		m.mounts[point] = mounted{location: args[1], kind: "ext4", writable: true}
		return nil
	}
	m.mounts[point] = mounted{kind: args[1], writable: true}
	return nil
}
