package author

import "time"

// cpuTime returns 0: it isn't known here.
func cpuTime() time.Duration { return 0 }
