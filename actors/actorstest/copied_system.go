package actorstest

import (
	"reflect"
	"unsafe"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/eventstream"
	"github.com/asynkron/protoactor-go/extensions"
	cmap "github.com/orcaman/concurrent-map"
)

// copiedSystem returns a new actor system with the configuration and the logger of another
// one. The shards of protoactor's process registry take nearly all of the time that it takes
// to make a system. One shard is enough where goroutines go on one at a time.
func copiedSystem(of *actor.ActorSystem, name string) *actor.ActorSystem {
	s := &actor.ActorSystem{}
	*s = *of
	s.ID = name
	s.ProcessRegistry = &actor.ProcessRegistryValue{
		ActorSystem: s,
		Address:     of.ProcessRegistry.Address,
		LocalPIDs:   &actor.SliceMap{LocalPIDs: []cmap.ConcurrentMap{cmap.New()}},
	}
	s.Root = actor.NewRootContext(s, actor.EmptyMessageHeader)
	s.Guardians = actor.NewGuardians(s)
	s.EventStream = eventstream.NewEventStream()
	s.DeadLetter = actor.NewDeadLetter(s)
	s.Extensions = extensions.NewExtensions()
	actor.SubscribeSupervision(s)
	s.Extensions.Register(actor.NewMetrics(s, nil))
	s.ProcessRegistry.Add(actor.NewEventStreamProcess(s), "eventstream")
	// What Shutdown closes is not exported.
	stopper := reflect.ValueOf(s).Elem().FieldByName("stopper")
	*(*chan struct{})(unsafe.Pointer(stopper.UnsafeAddr())) = make(chan struct{})
	return s
}
