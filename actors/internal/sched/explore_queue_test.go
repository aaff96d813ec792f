package sched

import "slices"

// exQueue is a Queue of package actors as the scheduler sees it. It has a task for each
// item, and no items that are missed.
type exQueue struct {
	m       *model
	source  Source
	locked  bool // its mu
	entries []int
	items   []*exTask
}

// queue makes a queue without items.
func (w *world) queue(m *model) *exQueue {
	q := &exQueue{m: m}
	q.source.Next, q.source.Ended, q.source.Stays = q.next, func() bool { return false }, true
	w.sources, w.queues = append(w.sources, &q.source), append(w.queues, q)
	return q
}

// puts has a process put items.
func (w *world) puts(q *exQueue, items ...*exTask) {
	w.spawn("puts", func(p *proc) {
		for _, t := range items {
			p.put(q, t)
		}
	})
}

// startsAfter is the function of a task that must start after others.
func startsAfter(others ...*exTask) func(p *proc, t *exTask) {
	return func(_ *proc, t *exTask) {
		for _, o := range others {
			if !o.begun && !o.done {
				t.w.failf("%s starts before %s", t, o)
			}
		}
	}
}

// put is queueTask.put, with add.
func (p *proc) put(q *exQueue, t *exTask) {
	t.submitted = true
	p.lock(q, "is it the last source")
	last := len(q.entries) - 1
	if last >= 0 && q.source.IsLast() {
		p.step("add to the last entry", t)
		q.entries[last]++
		q.items = append(q.items, t)
		q.locked = false
		return
	}
	p.step("SubmitSource", t)
	m := q.m
	start, err := m.state.submitSource(&q.source)
	if (err != nil) != m.closedIntake {
		m.w.failf("%s: SubmitSource returned %v although closed is %v", m, err, m.closedIntake)
	}
	q.locked = false
	if err != nil {
		p.reject(t)
		return
	}
	q.entries, q.items = append(q.entries, 1), append(q.items, t)
	m.queue, m.last = append(slices.Clone(m.queue), any(&q.source)), &q.source
	m.pruned()
	p.start(m, m.ensured(start))
}

func (p *proc) lock(q *exQueue, label string) {
	p.await(func() bool { return !q.locked }, label, &q.source)
	q.locked = true
}

// nextOf is Next of a source, which takes the mu of a queue.
func (p *proc) nextOf(s *Source) (t *Task, more bool) {
	for _, q := range p.w.queues {
		if s == &q.source {
			p.lock(q, "next of the queue")
			defer func() { q.locked = false }()
		}
	}
	return s.Next()
}

func (q *exQueue) next() (t *Task, more bool) {
	if len(q.entries) == 0 {
		return nil, false
	}
	t, q.items = &q.items[0].task, q.items[1:]
	if q.entries[0]--; q.entries[0] > 0 {
		return t, true
	}
	q.entries = q.entries[1:]
	return t, false
}

func (q *exQueue) encode(b []byte) []byte {
	b = q.m.w.encode(append(b, 'q'), q.locked, q.source.IsLast())
	for _, n := range q.entries {
		b = append(b, byte(n))
	}
	for _, t := range q.items {
		b = append(b, byte(t.id))
	}
	return b
}
