package actors

import "sync"

// requests are those without an answer.
type requests struct {
	mu   sync.Mutex
	last uint32
	open map[uint32]func(message any)
}

// add registers the receiver of an answer, under a number that no open request
// has. A number is used again only after all others. So a late answer finds no
// receiver.
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

// take removes a request and returns the receiver of its answer, or nil.
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
