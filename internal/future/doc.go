// Package future is a pending without its value. It is what package pending, the scheduler of
// package actors and telemetry share, and programs never see.
//
// Package pending embeds a [Result], which is a [Core] with a value, in its Pending. The exported
// methods of a Core are promoted to that, so they are those of every pending and no others. All
// else that can be done with a pending is a function of this package. Methods of [Task] are for
// the code that runs the function behind it.
//
// The errors have the texts of package pending, in which programs find them.
package future
