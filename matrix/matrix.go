package matrix

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of a cell, and what the paper did.
const (
	// DefaultEvents is how many events the paper's author sent in a run.
	DefaultEvents = 10_000
	// MaxConns bounds the simultaneous connections of an author. Each needs a
	// port, and most ports of an author rest after their connections.
	MaxConns = 16_384
	// MaxLatency bounds the one-way delay: beyond it a cold ARP or a SYN
	// reaches TCP's retransmission timeout of one second, and what is
	// measured is the timeout.
	MaxLatency = 900 * time.Millisecond
	// MaxEvents bounds the events of one run: all are made beforehand.
	MaxEvents = 1_000_000
)

// Matrix is the product of its lists, in the order in which they are given.
type Matrix struct {
	Brokers   []string
	Latencies []time.Duration
	Conns     []int
	// Events is how many events one run sends. In an open loop, 0 is as many as
	// become due in [OpenTime].
	Events int
	// Paces are those of open loops; without any, the cells are closed loops.
	Paces []Pace
	// Subscribers are the numbers of subscribers, nil for one only. Payload and
	// Kept are those of all cells.
	Subscribers []int
	Payload     string
	Kept        bool
}

// Default returns the matrix that finishes in about three minutes for two
// brokers, without any.
func Default() Matrix {
	return Matrix{
		Latencies: []time.Duration{0, 10 * time.Millisecond},
		Conns:     []int{8, 64, 512},
		Events:    DefaultEvents,
	}
}

// Paper returns the paper's matrix: 0 to 500 ms in steps of 100 ms, and 1 to
// 512 connections in powers of two. One count of it takes about 16 hours.
func Paper() Matrix {
	m := Matrix{Events: DefaultEvents}
	for ms := range 6 {
		m.Latencies = append(m.Latencies, time.Duration(ms)*100*time.Millisecond)
	}
	for n := 1; n <= 512; n *= 2 {
		m.Conns = append(m.Conns, n)
	}
	return m
}

// Cells returns every cell, brokers outermost, then latencies, connections, paces
// and subscribers.
func (m Matrix) Cells() []Cell {
	var cells []Cell
	paces := m.Paces
	if len(paces) == 0 {
		paces = []Pace{{}}
	}
	for _, broker := range m.Brokers {
		for _, latency := range m.Latencies {
			for _, conns := range m.Conns {
				for _, pace := range paces {
					cell := Cell{Broker: broker, Latency: latency, Conns: conns, Events: m.Events, Pace: pace}
					if cell.Events == 0 {
						cell.Events = pace.Events()
					}
					cell.Payload, cell.Kept = m.Payload, m.Kept
					for _, subscribers := range m.Subscribers {
						cell.Further = subscribers - 1
						cells = append(cells, cell)
					}
					if len(m.Subscribers) == 0 {
						cells = append(cells, cell)
					}
				}
			}
		}
	}
	return cells
}

// ParseLatencies reads a list such as "0,10ms,0.5ms". The errors name the
// value and what is allowed, not the flag: its owner does.
func ParseLatencies(s string) ([]time.Duration, error) {
	var list []time.Duration
	for _, word := range strings.Split(s, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(word))
		if err != nil || d < 0 || d > MaxLatency || d%time.Microsecond != 0 {
			return nil, fmt.Errorf("%q: want one-way delays from 0 to %v in whole microseconds, such as "+
				"0,10ms", word, MaxLatency)
		}
		for _, have := range list {
			if have == d {
				return nil, fmt.Errorf("%q: given twice", word)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// ParseConnsList reads a list such as "8,64,512".
func ParseConnsList(s string) ([]int, error) {
	var list []int
	for _, word := range strings.Split(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > MaxConns {
			return nil, fmt.Errorf("%q: want connection counts from 1 to %d, such as 8,64,512", word, MaxConns)
		}
		for _, have := range list {
			if have == n {
				return nil, fmt.Errorf("%q: given twice", word)
			}
		}
		list = append(list, n)
	}
	return list, nil
}
