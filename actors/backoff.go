package actors

import "time"

// restart is one that was decided on and is not over. Its fields are guarded by the
// caller's mu.
type restart struct {
	cause error
	timer *time.Timer // ends the backoff; nil for none
	begun bool        // there is no backoff, or it has ended
}

// backoffOver is the control message of a timer. It is void if the restart is no longer
// the one that the caller waits for, or has begun.
type backoffOver struct{ restart *restart }

// begin ends the backoff.
func (r *restart) begin() {
	r.begun = true
	if r.timer != nil {
		r.timer.Stop()
	}
}
