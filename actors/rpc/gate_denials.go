package rpc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// reason is why something was denied, as the metric has it.
type reason string

const (
	deniedMalformed  reason = "malformed"
	deniedMethod     reason = "method"
	deniedType       reason = "type"
	deniedInternal   reason = "internal"
	deniedExposure   reason = "exposure"
	deniedAddress    reason = "address"
	deniedClaim      reason = "claim"
	deniedConnection reason = "connection"
)

// denial is something that a peer was denied.
type denial struct {
	reason          reason
	target, message string // empty if it is no message
	detail          string
}

// denials counts what was denied, and has it logged at most once a second.
type denials struct {
	mu       sync.Mutex
	n        uint64
	unlogged int
	logged   time.Time
}

// logInterval is the least time between two logs of denials.
const logInterval = time.Second

// add counts a denial. It reports whether this one is to be logged, and returns how many
// were left out since the last.
func (d *denials) add() (unlogged int, log bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	now := time.Now()
	if !d.logged.IsZero() && now.Sub(d.logged) < logInterval {
		d.unlogged++
		return 0, false
	}
	unlogged, d.unlogged, d.logged = d.unlogged, 0, now
	return unlogged, true
}

func (d *denials) count() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n
}

// deny counts and logs what a peer was denied.
func (g *gate) deny(p *passage, d denial) {
	instrument.Of(g.node.config.Load().telemetry).Denied(context.Background(), string(d.reason))
	unlogged, log := g.denials.add()
	if !log {
		return
	}
	attrs := []slog.Attr{
		slog.String("reason", string(d.reason)), slog.String("detail", d.detail),
		slog.String("from", p.network), slog.String("peer", p.address), slog.Int("unlogged", unlogged),
	}
	if p.certificate != nil {
		attrs = append(attrs, slog.String("certificate", p.certificate.Subject.String()))
	}
	if d.message != "" {
		attrs = append(attrs, slog.String("target", d.target), slog.String("message", d.message))
	}
	g.node.log().LogAttrs(context.Background(), slog.LevelWarn, "rpc: denied", attrs...)
}

// Telemetry has t count what other nodes were denied: the metric "protocaller.rpc.denied", by
// reason. Without the option it is only logged, and counted by [StatsOf].
func Telemetry(t *telemetry.Telemetry) Option {
	return func(o *config) error {
		o.telemetry = t
		return nil
	}
}
