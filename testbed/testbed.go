// Package testbed runs the experiment, one run at a time, start to clean-up:
// in containers of a Docker engine, or in processes and network namespaces of
// this machine.
package testbed
