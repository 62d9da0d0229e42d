package cpuidle

import (
	"os"
	"strings"
)

// Prevent asks the kernel not to let idle processors sleep. The request lasts
// until the returned file is closed or this process ends. Where it can't be
// made, Prevent returns nil: only root may, and some kernels have no driver
// for idle processors. See power/pm_qos_interface in the kernel's
// documentation.
//
// A processor that sleeps wakes up late, above all in a virtual machine, where
// the host has to wake it. Measured on two virtual cores: pings delayed by
// 10 ms came back 0.1 ms late, and 0.01 ms late with this request; the rates
// of one Comet varied by 4 %, and by 1 % with it.
func Prevent() *os.File {
	driver, err := os.ReadFile("/sys/devices/system/cpu/cpuidle/current_driver")
	if err != nil || strings.TrimSpace(string(driver)) == "none" {
		return nil // nothing would heed the request
	}
	request, err := os.OpenFile("/dev/cpu_dma_latency", os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	wakeup := []byte{0, 0, 0, 0} // the longest time to wake up, in µs
	if _, err := request.Write(wakeup); err != nil {
		_ = request.Close()
		return nil
	}
	return request
}
