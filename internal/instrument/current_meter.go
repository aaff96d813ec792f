package instrument

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// CurrentMeter returns a meter whose instruments are those of the provider which package otel
// has at the moment. A meter of package otel itself stays with the first one. All callers of it
// share one meter for a scope, which [FollowProviders] knows.
//
// It has the kinds of instruments that [Init] makes, and no others.
func CurrentMeter(scope string) metric.Meter {
	made, _ := currentMeters.LoadOrStore(scope, &currentMeter{scope: scope})
	return made.(*currentMeter)
}

var currentMeters sync.Map // *currentMeter by scope

// FollowProviders has callbacks observed by the provider of metrics that package otel has by
// now. Otherwise that happens with the next measurement, which may be far away.
func FollowProviders() {
	defer survive()
	currentMeters.Range(func(_, m any) bool {
		m.(*currentMeter).now()
		return true
	})
}

type currentMeter struct {
	noop.Meter
	scope string
	last  atomic.Pointer[meterOf]

	mu        sync.Mutex
	callbacks map[*currentCallback]struct{}
}

type meterOf struct {
	provider metric.MeterProvider // nil for one that cannot be compared
	metric.Meter
}

func (c *currentMeter) now() *meterOf {
	p := otel.GetMeterProvider()
	if last := c.last.Load(); last != nil && last.provider == p {
		return last
	}
	made := &meterOf{p, p.Meter(c.scope)}
	if !reflect.ValueOf(p).Comparable() {
		made.provider = nil
	}
	c.last.Store(made)
	for _, callback := range c.all() {
		if err := callback.move(); err != nil {
			report(err)
		}
	}
	return made
}

func (c *currentMeter) all() (all []*currentCallback) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for callback := range c.callbacks {
		all = append(all, callback)
	}
	return all
}

// ofMeter is an instrument that is made for one meter after the other.
type ofMeter[I any] struct {
	meter *currentMeter
	newOf func(metric.Meter) (I, error)
	last  atomic.Pointer[instrumentOf[I]]
}

type instrumentOf[I any] struct {
	meter      *meterOf
	instrument I
}

func newOfMeter[I any](c *currentMeter, newOf func(metric.Meter) (I, error)) (*ofMeter[I], error) {
	o := &ofMeter[I]{meter: c, newOf: newOf}
	made := c.now()
	i, err := newOf(made)
	o.last.Store(&instrumentOf[I]{made, i})
	return o, err
}

func (o *ofMeter[I]) now() I { return o.of(o.meter.now()) }

func (o *ofMeter[I]) of(m *meterOf) I {
	if last := o.last.Load(); last.meter == m {
		return last.instrument
	}
	i, err := o.newOf(m)
	if err != nil {
		report(err)
	}
	o.last.Store(&instrumentOf[I]{m, i})
	return i
}

type currentCounter struct {
	noop.Int64Counter
	*ofMeter[metric.Int64Counter]
}

// Int64Counter implements [metric.Meter].
func (c *currentMeter) Int64Counter(name string, opts ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	made, err := newOfMeter(c, func(m metric.Meter) (metric.Int64Counter, error) { return m.Int64Counter(name, opts...) })
	return currentCounter{ofMeter: made}, err
}

// Add implements [metric.Int64Counter].
func (c currentCounter) Add(ctx context.Context, incr int64, opts ...metric.AddOption) {
	c.now().Add(ctx, incr, opts...)
}

// Enabled implements [metric.Int64Counter].
func (c currentCounter) Enabled(ctx context.Context) bool { return c.now().Enabled(ctx) }

type currentHistogram struct {
	noop.Float64Histogram
	*ofMeter[metric.Float64Histogram]
}

// Float64Histogram implements [metric.Meter].
func (c *currentMeter) Float64Histogram(name string, opts ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	made, err := newOfMeter(c, func(m metric.Meter) (metric.Float64Histogram, error) { return m.Float64Histogram(name, opts...) })
	return currentHistogram{ofMeter: made}, err
}

// Record implements [metric.Float64Histogram].
func (c currentHistogram) Record(ctx context.Context, value float64, opts ...metric.RecordOption) {
	c.now().Record(ctx, value, opts...)
}

// Enabled implements [metric.Float64Histogram].
func (c currentHistogram) Enabled(ctx context.Context) bool { return c.now().Enabled(ctx) }

type currentObservable struct {
	noop.Int64ObservableUpDownCounter
	*ofMeter[metric.Int64ObservableUpDownCounter]
}

// Int64ObservableUpDownCounter implements [metric.Meter].
func (c *currentMeter) Int64ObservableUpDownCounter(
	name string, opts ...metric.Int64ObservableUpDownCounterOption,
) (metric.Int64ObservableUpDownCounter, error) {
	made, err := newOfMeter(c, func(m metric.Meter) (metric.Int64ObservableUpDownCounter, error) {
		return m.Int64ObservableUpDownCounter(name, opts...)
	})
	return currentObservable{ofMeter: made}, err
}

// RegisterCallback implements [metric.Meter].
func (c *currentMeter) RegisterCallback(f metric.Callback, observed ...metric.Observable) (metric.Registration, error) {
	r := &currentCallback{meter: c, call: f, observed: observed}
	c.mu.Lock()
	if c.callbacks == nil {
		c.callbacks = make(map[*currentCallback]struct{})
	}
	c.callbacks[r] = struct{}{}
	c.mu.Unlock()
	c.now()
	return r, r.move()
}

// currentCallback is registered with one meter after the other.
type currentCallback struct {
	noop.Registration
	meter    *currentMeter
	call     metric.Callback
	observed []metric.Observable

	mu         sync.Mutex
	of         *meterOf // nil before the first
	registered metric.Registration
	over       bool
}

// move registers the callback with the last meter, and no more with the one before.
func (r *currentCallback) move() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.meter.last.Load()
	if r.over || r.of == to {
		return nil
	}
	if err := r.unregister(); err != nil {
		report(err) // the meter before may be of a provider that has ended
	}
	r.of = to
	var observed []metric.Observable
	for _, o := range r.observed {
		observed = append(observed, o.(currentObservable).of(to))
	}
	var err error
	r.registered, err = to.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		return r.call(ctx, currentObserver{o, to})
	}, observed...)
	return err
}

// unregister ends the registration. mu must be held.
func (r *currentCallback) unregister() error {
	last := r.registered
	if r.registered = nil; last == nil {
		return nil
	}
	return last.Unregister()
}

// Unregister implements [metric.Registration].
func (r *currentCallback) Unregister() error {
	r.meter.mu.Lock()
	delete(r.meter.callbacks, r)
	r.meter.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	return r.unregister()
}

// currentObserver is an observer for the instruments of one meter.
type currentObserver struct {
	metric.Observer
	meter *meterOf
}

// ObserveInt64 implements [metric.Observer].
func (o currentObserver) ObserveInt64(observed metric.Int64Observable, value int64, opts ...metric.ObserveOption) {
	o.Observer.ObserveInt64(observed.(currentObservable).of(o.meter), value, opts...)
}
