package netem

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cometbench/internal/require"
)

// The kernel that the tests run on may have no sch_netem. Debian's has. So the
// tests run again in a virtual machine under Debian's kernel. The test binary is
// its first process, and its file system contains a few tools besides.

// emulated is the environment variable that is set for the tests in the machine.
const emulated = "NETEM_EMULATED"

// inMachine are the tests that run in the machine.
var inMachine = []string{"TestContract", "TestPair", "TestPriority", "TestSideBySide"}

var machineModules = []string{"veth", "sch_netem", "sch_ingress", "act_mirred", "cls_u32", "cls_matchall"}

var machineTools = []string{"ping", "tc", "ip", "cat", "nsenter"}

// TestMachine boots the machine.
func TestMachine(t *testing.T) {
	if os.Getenv(emulated) != "" {
		t.Skip("this is the machine")
	}
	qemu := require.Command(t, "vm", "qemu-system-x86_64")
	kernel, modules := os.Getenv("COMETBENCH_VM_KERNEL"), os.Getenv("COMETBENCH_VM_MODULES")
	if kernel == "" || modules == "" {
		require.Missing(t, "vm", "COMETBENCH_VM_KERNEL and COMETBENCH_VM_MODULES must name a kernel with sch_netem: "+
			"export $(.ci/vm-kernel)")
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", filepath.Join(dir, "netem.test"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output(t, build)

	image := filepath.Join(dir, "initramfs")
	if err := writeImage(image, filepath.Join(dir, "netem.test"), modules); err != nil {
		t.Fatal(err)
	}
	if err := runEmulated(t, qemu, kernel, image); err != nil {
		t.Fatal(err)
	}
}

// runEmulated boots the machine and returns an error unless all tests in it
// have passed.
func runEmulated(t *testing.T, qemu, kernel, image string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Minute)
	defer cancel()
	begun := time.Now()
	// The console is the machine's standard output. The machine has one
	// processor: with two, each emulated by a thread of its own, the kernel got
	// stuck in a softirq in two of fifteen boots.
	machine := exec.CommandContext(ctx, qemu, "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "768",
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", kernel, "-initrd", image,
		"-append", "console=ttyS0 quiet panic=-1 tsc=reliable random.trust_cpu=on mitigations=off")
	console, err := machine.CombinedOutput()
	said := strings.ReplaceAll(string(console), "\r\n", "\n")
	t.Logf("the machine ran for %v:\n%s", time.Since(begun).Round(time.Second), said)
	if err != nil {
		return fmt.Errorf("%v: %w", machine.Args, err)
	}
	passed, skipped, failed := tally(said)
	t.Logf("in the machine %d tests passed, %d were skipped, %d failed", passed, skipped, failed)
	if !strings.Contains(said, "\nmachine: exit code 0\n") || failed != 0 {
		return errors.New("tests in the machine have failed")
	}
	for _, name := range inMachine {
		if !strings.Contains(said, "\n--- PASS: "+name+" ") {
			return fmt.Errorf("%s didn't pass in the machine", name)
		}
	}
	return nil
}

var outcome = regexp.MustCompile(`(?m)^ *--- (PASS|SKIP|FAIL): `)

// tally counts the outcomes in what a verbose test prints.
func tally(said string) (passed, skipped, failed int) {
	for _, m := range outcome.FindAllStringSubmatch(said, -1) {
		switch m[1] {
		case "PASS":
			passed++
		case "SKIP":
			skipped++
		default:
			failed++
		}
	}
	return
}

// bootMachine sets the machine up, runs the tests, and ends the machine. The
// first process of the machine calls it. It returns only if it can't do that.
func bootMachine() int {
	err := setUpMachine()
	code := 1
	if err == nil {
		code = runMachine()
	}
	fmt.Printf("\nmachine: exit code %d\nmachine: set up: %v\n", code, err)
	unix.Sync()
	// With -no-reboot that ends qemu.
	fmt.Println(unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
	return 1
}

func setUpMachine() error {
	for _, m := range []struct{ kind, path string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"},
	} {
		if err := errors.Join(os.MkdirAll(m.path, 0o755), unix.Mount(m.kind, m.path, m.kind, 0, "")); err != nil {
			return fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	modules, err := os.ReadFile("/modules/order")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(string(modules)) {
		f, err := os.Open("/modules/" + name)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("load the module %s: %w", name, err)
		}
	}
	return errors.Join(
		// So slow a processor takes long to get to its packets.
		os.WriteFile("/proc/sys/net/core/netdev_max_backlog", []byte("20000"), 0),
		os.Chmod("/tmp", 0o777|fs.ModeSticky),
		os.Setenv("PATH", "/bin"),
		os.Setenv(emulated, "1"),
		os.Setenv(require.Variable, "root,netem,sch_netem,userns"),
	)
}

// runMachine runs the tests in a process of their own, since the first process
// of a system ignores signals that it doesn't handle.
func runMachine() int {
	tests := exec.Command("/proc/self/exe",
		"-test.v", "-test.timeout=6m", "-test.run=^("+strings.Join(inMachine, "|")+")$")
	tests.Stdout, tests.Stderr = os.Stdout, os.Stdout
	if err := tests.Run(); err != nil {
		fmt.Println("machine:", err)
		return max(tests.ProcessState.ExitCode(), 1)
	}
	return 0
}

// writeImage writes the file system of the machine.
func writeImage(path, self, modules string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(f)
	a := &archive{w: buffered}
	// The kernel opens the console for the first process.
	a.dir("dev")
	a.device("dev/console", 5, 1)
	a.file("init", self)
	order, err := moduleOrder(modules, machineModules)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	var names bytes.Buffer
	a.dir("modules")
	for _, m := range order {
		fmt.Fprintln(&names, filepath.Base(m))
		a.file("modules/"+filepath.Base(m), m)
	}
	a.text("modules/order", names.Bytes())
	for _, tool := range machineTools {
		if err := a.tool(tool); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(a.close(), buffered.Flush(), f.Close())
}

var library = regexp.MustCompile(`(/\S+) \(0x`)

// tool adds a program and the libraries that it is linked with.
func (a *archive) tool(name string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	a.dir("bin")
	a.file("bin/"+name, path)
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", path, err)
	}
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		lib := strings.TrimPrefix(m[1], "/")
		for i, r := range lib {
			if r == '/' {
				a.dir(lib[:i])
			}
		}
		a.file(lib, m[1])
	}
	return nil
}

// moduleOrder returns the files of modules, each after those that it depends
// on. A module that isn't there as a file is built in.
func moduleOrder(dir string, names []string) ([]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok {
			files[strings.ReplaceAll(name, "-", "_")] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var order []string
	var add func(name string) error
	add = func(name string) error {
		path, ok := files[name]
		if !ok || slices.Contains(order, path) {
			return nil
		}
		needs, err := dependencies(path)
		if err != nil {
			return err
		}
		for _, n := range needs {
			if err := add(n); err != nil {
				return err
			}
		}
		order = append(order, path)
		return nil
	}
	for _, name := range names {
		if err := add(name); err != nil {
			return nil, err
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("got none of the kernel modules %v in %s, want one or more: see .ci/vm-kernel", names, dir)
	}
	return order, nil
}

// dependencies reads which modules a module depends on.
func dependencies(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", path, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("module %s: it has no section .modinfo", path)
	}
	info, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", path, err)
	}
	for field := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
