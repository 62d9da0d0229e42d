package results

import "time"

// Usage is what the roles and the machine used in the measured phase of a run.
// What the system doesn't tell is zero, as is all of it in runs of before this
// was measured.
type Usage struct {
	Author     RoleUsage    `json:"author,omitzero"`
	Broker     RoleUsage    `json:"broker,omitzero"`
	Subscriber RoleUsage    `json:"subscriber,omitzero"`
	Machine    MachineUsage `json:"machine,omitzero"`
	// AuthorMachine is nil where the author was on the same machine as the others;
	// else Machine is that of the others, until they had nothing more to do.
	AuthorMachine *MachineUsage `json:"author_machine,omitempty"`
	// Delay is the processor time of what delays packets in user space.
	Delay time.Duration `json:"delay_cpu_ns,omitempty"`
	// Audience is the CPU time of all subscribers but the first.
	Audience time.Duration `json:"audience_cpu_ns,omitempty"`
	// ListenDrops are the connection attempts that the broker's kernel dropped
	// because the broker's listen queue was full.
	ListenDrops uint64 `json:"listen_drops,omitempty"`
	// Retransmits are the TCP segments that were sent again in the author's network.
	Retransmits uint64 `json:"retransmits,omitempty"`
	// Unread is how many bytes waited on the subscriber's connection until it read
	// them, when the author had done; not known of a subscriber of ours.
	Unread int64 `json:"unread_bytes,omitempty"`
}

// RoleUsage is what the processes of one role used.
type RoleUsage struct {
	// CPU is the processor time of the author while it sent, and that of the
	// broker and the subscriber until they had nothing more to do.
	CPU time.Duration `json:"cpu_ns,omitempty"`
	// Ran is for how long the busiest of the role's threads was on a processor, and
	// Waited for how long its threads were ready to run and waited for one, as a sum
	// over them: more than the time itself where several waited at once.
	Ran    time.Duration `json:"busiest_thread_ran_ns,omitempty"`
	Waited time.Duration `json:"waited_ns,omitempty"`
	// Throttled is for how long a limit of its container kept the role from
	// running, or one of the session in which the benchmark runs.
	Throttled time.Duration `json:"throttled_ns,omitempty"`
	// Processors is how many processors the role may use, of those that the kernel
	// was started for.
	Processors int `json:"processors,omitempty"`
	// PeakRSS is the most memory that the role had resident, in bytes: the sum of
	// the peaks of its processes. A broker's peak begins with the measured phase
	// where it can be reset, all others with their start.
	PeakRSS int64 `json:"peak_rss_bytes,omitempty"`
	// Container is the memory of the role's container at the end, in bytes, as docker
	// stats shows it: with its files in memory, and without pages of programs that
	// another container has read before. It is known of the broker, and of a
	// subscriber of ours.
	Container int64 `json:"container_bytes,omitempty"`
}

// MachineUsage is what the processors did while the author sent, of the machine
// on which the roles ran.
type MachineUsage struct {
	Cores   int           `json:"cores,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns,omitempty"`
	// Busy, Idle and Steal are sums over the processors, which make up Cores times
	// Elapsed: busy for whomever, without anything to do, and taken by the
	// hypervisor.
	Busy  time.Duration `json:"busy_ns,omitempty"`
	Idle  time.Duration `json:"idle_ns,omitempty"`
	Steal time.Duration `json:"steal_ns,omitempty"`
	// Nice is the part of Busy that programs of low priority took: they give way.
	Nice time.Duration `json:"nice_ns,omitempty"`
	// Foreign is the part of Busy that neither the roles nor the delay account for:
	// the engine, the kernel's own threads, and whatever else runs there. What the
	// subscriber used isn't known until the end of a run, unless it is our own.
	Foreign time.Duration `json:"foreign_ns,omitempty"`
}

// Processors returns how many processors a sum over them is on average.
func (m MachineUsage) Processors(sum time.Duration) float64 {
	if m.Elapsed <= 0 {
		return 0
	}
	return sum.Seconds() / m.Elapsed.Seconds()
}

// Spare returns the share of the processors' time in which they had nothing to do,
// or nothing that doesn't give way. It is 0 where the system doesn't tell.
func (m MachineUsage) Spare() float64 {
	return m.Processors(m.Idle+m.Nice) / float64(max(1, m.Cores))
}

// Of returns what a role used.
func (u Usage) Of(r Role) RoleUsage {
	return [...]RoleUsage{RoleAuthor: u.Author, RoleBroker: u.Broker, RoleSubscriber: u.Subscriber}[r]
}

// SetForeign sets the machine's Foreign from what else is known. A broker and a
// subscriber may be at work for longer than the author; it is never below zero.
func (u *Usage) SetForeign() {
	author, others := u.Author.CPU+u.Delay, u.Broker.CPU+u.Subscriber.CPU+u.Audience
	if m := u.AuthorMachine; m != nil {
		m.Foreign, author = max(0, m.Busy-author), 0
	}
	u.Machine.Foreign = max(0, u.Machine.Busy-author-others)
}

// OfAuthor returns what the processors of the author's machine did.
func (u Usage) OfAuthor() MachineUsage {
	if u.AuthorMachine != nil {
		return *u.AuthorMachine
	}
	return u.Machine
}

// CPUPerEvent returns the processor time of a role in seconds for each event that
// the author sent, that the broker acked, or that the subscriber got. It is 0
// where it isn't known.
func (r *Run) CPUPerEvent(role Role) float64 {
	events := [...]int{
		RoleAuthor: r.Author.Sent, RoleBroker: r.Author.Acked, RoleSubscriber: r.Subscriber.Entries,
	}[role]
	if events < 1 {
		return 0
	}
	return r.Usage.Of(role).CPU.Seconds() / float64(events)
}
