package actors

import "sync"

// requests are those that have not been answered.
type requests struct {
	mu   sync.Mutex
	last uint32
	open map[uint32]func(message any)
}

// add registers who takes the answer, under a number that no open request has.
// Numbers come round again only after all others were used, so that an answer
// that comes late finds nobody.
func (r *requests) add(answer func(message any)) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = make(map[uint32]func(any))
	}
	for {
		r.last++
		if _, taken := r.open[r.last]; !taken && r.last != 0 {
			r.open[r.last] = answer
			return r.last
		}
	}
}

// take removes a request and returns who takes the answer, nil for nobody.
func (r *requests) take(id uint32) func(message any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := r.open[id]
	delete(r.open, id)
	return answer
}

func (r *requests) answer(id uint32, message any) {
	if answer := r.take(id); answer != nil {
		answer(message)
	}
}
