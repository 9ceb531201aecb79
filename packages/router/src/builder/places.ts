/** Where messages come from whose body is of this type. */
export interface RouteSource<Body> {
  /** As it stands after FROM. */
  readonly path: string
  /** Never there: it only carries the type. */
  readonly body?: Body
}

/** Where messages go. */
export type RouteSink = { readonly kind: 'upstream' } | { readonly kind: 'input'; readonly path: string }

/** What a module sends and takes: the types of the bodies by output, the names of the inputs. */
export interface ModuleShape {
  readonly outputs?: object
  readonly inputs?: string
}

/** A module whose outputs and inputs nobody declared. */
export interface OpenModule {
  /** What it sends on one output. */
  output<Body = unknown>(name: string): RouteSource<Body>
  /** What it sends, on any output or without one. */
  messages<Body = unknown>(): RouteSource<Body>
  /** One of its inputs. */
  input(name: string): RouteSink
}

/** A module whose outputs and inputs are declared: other names do not compile. */
export interface DeclaredModule<Shape extends ModuleShape> {
  /** What it sends on one output. */
  output<Name extends keyof NonNullable<Shape['outputs']> & string>(
    name: Name,
  ): RouteSource<NonNullable<Shape['outputs']>[Name]>
  /** What it sends, on any output or without one. */
  messages<Body = unknown>(): RouteSource<Body>
  /** One of its inputs. */
  input(name: NonNullable<Shape['inputs']>): RouteSink
}

/**
 * A module of the deployment, as a source and a sink of routes.
 *
 * @throws TypeError for an id that no rule can spell.
 * @example
 * const sensor = module<{ outputs: { temperature: { celsius: number } } }>('sensor')
 */
export function module(id: string): OpenModule
export function module<Shape extends ModuleShape>(id: string): DeclaredModule<Shape>
export function module(id: string): OpenModule {
  const path = `/messages/modules/${spellable(id)}`
  return {
    output: name => ({ path: `${path}/outputs/${spellable(name)}` }),
    messages: () => ({ path: `${path}/*` }),
    input: name => ({ kind: 'input', path: `/modules/${id}/inputs/${spellable(name)}` }),
  }
}

/** A name as a segment of a path; stars, slashes and blanks have a meaning of their own there. */
function spellable(name: string): string {
  if (/^[^\s/*]+$/.test(name)) return name
  throw new TypeError(`no route can name ${JSON.stringify(name)}: it is empty or has a blank, a slash or a star`)
}

/** Everything that devices and modules send, reports about twins too. */
export function everything<Body = unknown>(): RouteSource<Body> {
  return { path: '/*' }
}

/** Everything that devices and modules send. */
export function telemetry<Body = unknown>(): RouteSource<Body> {
  return { path: '/messages/*' }
}

/** Everything that modules send. */
export function moduleMessages<Body = unknown>(): RouteSource<Body> {
  return { path: '/messages/modules/*' }
}

/** Changes of reported properties: the body is the patch. */
export function twinChanges<Patch = unknown>(): RouteSource<Patch> {
  return { path: '/twinChangeNotifications' }
}

/** The cloud. */
export const upstream: RouteSink = Object.freeze({ kind: 'upstream' })
