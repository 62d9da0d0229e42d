package proctree

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"cometbench/internal/require"

	"golang.org/x/sys/unix"
)

// loadVariable makes this test's executable a process of a known load.
const loadVariable = "COMETBENCH_TEST_LOAD"

// TestMain is the process of a known load where it is asked to be: it uses a
// second of processor time, part of it in a thread and part in a child that have
// ended, has 64 MiB resident, says what getrusage tells, and waits.
func TestMain(m *testing.M) {
	switch os.Getenv(loadVariable) {
	case "":
		os.Exit(m.Run())
	case "child":
		burn(300 * time.Millisecond)
	default:
		ended := make(chan bool)
		go func() {
			runtime.LockOSThread() // without unlocking: the thread ends with the goroutine
			burn(300 * time.Millisecond)
			close(ended)
		}()
		<-ended
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), loadVariable+"=child")
		if err := child.Run(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		burn(700 * time.Millisecond)
		memory := make([]byte, 64<<20)
		for i := 0; i < len(memory); i += 4096 {
			memory[i] = 1
		}
		used, peak := rusage(unix.RUSAGE_SELF)
		ofChild, _ := rusage(unix.RUSAGE_CHILDREN)
		fmt.Println(int64(used+ofChild), peak)
		_, _ = io.Copy(io.Discard, os.Stdin)
		runtime.KeepAlive(memory)
	}
}

// burn uses processor time until this process has used so much of it.
func burn(until time.Duration) {
	for used := time.Duration(0); used < until; used, _ = rusage(unix.RUSAGE_SELF) {
	}
}

// rusage is what the kernel bills a process for: processor time, and the most
// memory that it had resident.
func rusage(who int) (used time.Duration, peak int64) {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), r.Maxrss << 10
}

// TestKnownLoad holds what is read of a process against what it says itself, from
// getrusage.
func TestKnownLoad(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		require.Missing(t, "schedstat", err.Error())
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), loadVariable+"=yes")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	var wantCPU time.Duration
	var wantPeak int64
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if _, scanned := fmt.Sscan(line, &wantCPU, &wantPeak); err != nil || scanned != nil {
		t.Fatalf("%q: %v, %v", line, err, scanned)
	}
	got, err := Read(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	if d := (got.CPU - wantCPU).Abs(); d > wantCPU*3/100 {
		t.Errorf("got %v of processor time, want the %v that getrusage tells", got.CPU, wantCPU)
	}
	if d := max(got.PeakRSS-wantPeak, wantPeak-got.PeakRSS); d > wantPeak*3/100 || wantPeak < 64<<20 {
		t.Errorf("got a peak of %d bytes, want the %d that getrusage tells", got.PeakRSS, wantPeak)
	}
	t.Logf("%v and %d bytes; getrusage tells %v and %d", got.CPU, got.PeakRSS, wantCPU, wantPeak)
}

// TestResetPeak: a peak that was left behind doesn't count after a reset.
func TestResetPeak(t *testing.T) {
	const size = 32 << 20
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < size; i += 4096 {
		memory[i] = 1
	}
	if err := unix.Munmap(memory); err != nil {
		t.Fatal(err)
	}
	before, err := Read(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		require.Missing(t, "clear_refs", err.Error())
	}
	if err := ResetPeak(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	after, err := Read(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	// What is resident besides may have grown since that peak, by the garbage of
	// reading /proc.
	if before.PeakRSS-after.PeakRSS < size/2 {
		t.Errorf("got a peak of %d bytes after %d, want about %d less", after.PeakRSS, before.PeakRSS, size)
	}
}
