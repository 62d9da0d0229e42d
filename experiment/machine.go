package experiment

import (
	"os"
	"os/exec"
	"runtime"
	"strings"

	"cometbench/results"
)

// machine describes this machine, and its engine, "" without one.
func machine(engine string) results.Machine {
	return results.Machine{Engine: engine, Kernel: kernel(), CPU: cpuModel(), Cores: runtime.NumCPU(),
		Procs: runtime.GOMAXPROCS(0), OS: runtime.GOOS, Arch: runtime.GOARCH}
}

func kernel() string {
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		return runtime.GOOS + " " + strings.TrimSpace(string(b))
	}
	if out, err := exec.Command("uname", "-r").Output(); err == nil {
		return runtime.GOOS + " " + strings.TrimSpace(string(out))
	}
	return runtime.GOOS
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo") // "" is right where there is none
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	if out, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(out))
	}
	return runtime.GOARCH
}
