//go:build explored

package scheduled

// KeepsFunction tells an exploration whether a call has its function still.
func KeepsFunction[T any](c *Call[T]) bool { return c.fn != nil }
