// Package cpuidle keeps processors from sleeping while something is measured.
package cpuidle
