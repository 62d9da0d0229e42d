package embedded

import (
	"time"

	"cometbench/vtp"
)

// answer makes the answer of who to a message. It leaves out an Origin that is
// too long to be repeated.
func answer(role vtp.Role, about []byte, who string, at time.Time) vtp.Transport {
	if len(about) > vtp.MaxIVOID {
		about = nil
	}
	return vtp.Transport{Role: role, Origin: string(about), Response: who, TimeStamp: at}
}

// refuse makes a nak, with the reason.
func refuse(about []byte, who, reason string, at time.Time) vtp.Transport {
	nak := answer(vtp.Nak, about, who, at)
	nak.Result = reason
	return nak
}
