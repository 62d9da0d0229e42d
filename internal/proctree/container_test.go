package proctree

import (
	"testing"
	"time"
)

func TestParseThrottled(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"nr_periods 9\nnr_throttled 2\nthrottled_time 1500000000\n":   1500 * time.Millisecond,
		"usage_usec 7\nnr_throttled 2\nthrottled_usec 1500000\nx y\n": 1500 * time.Millisecond,
		"usage_usec 7\n": 0,
		"":               0,
	} {
		if got := ParseThrottled(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestContainer(t *testing.T) {
	files, err := ParseFiles("/proc/1/root/sys/fs/cgroup/cpu/cpu.stat:nr_throttled 2\n" +
		"/proc/1/root/sys/fs/cgroup/cpu/cpu.stat:throttled_time 2000\n" +
		"/proc/1/net/tcp:  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n" +
		"/proc/1/net/tcp:   0: 00000000:1F40 00000000:0000 0A 00000000:00000003 00:00000000\n" +
		"/proc/1/net/tcp:   1: 030011AC:1F41 020011AC:8235 01 00000007:0000001F 00:00000000\n" +
		"/proc/1/net/tcp6:   0: 0:1F41 0:8235 01 00000000:00000001 00:00000000\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := files.Throttled(), 2*time.Microsecond; got != want {
		t.Errorf("throttled for %v, want %v", got, want)
	}
	if got, want := files.Unread(), int64(32); got != want {
		t.Errorf("%d bytes unread, want %d: a listening socket has none", got, want)
	}
}

func TestProcessors(t *testing.T) {
	for list, want := range map[string]int{"0-2,5": 4, "3": 1, "0-127": 128, "": 0, "x": 0, "3-1": 0} {
		f := Files{"8/status": "Cpus_allowed:\tff\nCpus_allowed_list:\t" + list + "\nMems_allowed:\t1\n"}
		if got := f.processors(8); got != want {
			t.Errorf("%q: got %d processors, want %d", list, got, want)
		}
	}
}
