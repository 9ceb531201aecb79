import type { RegistryCredential } from '../manifest/deployment.js'
import type { RestartOptions } from '../plan/restart-policy.js'

/** What a deployment says to the agent itself, in the environment of its `edgeAgent`. */
export interface AgentSettings {
  readonly restarts: Pick<RestartOptions, 'firstDelay' | 'maxRestarts' | 'healthyAfter'>
  /** Milliseconds until the twin is fetched anew, whatever happened. */
  readonly refresh?: number | undefined
  /** What modules are told to log: `debug`, `info`, … */
  readonly logLevel?: string | undefined
  /** What modules are told of the way to the cloud: `Amqp`, `MqttWs`, … */
  readonly upstreamProtocol?: string | undefined
  /** Logins that stand behind those of the deployment. */
  readonly credentials: readonly RegistryCredential[]
  /** Variables that mean nothing here, or whose value is none that they can have. */
  readonly ignored: readonly string[]
}

/** When a deployment says nothing. */
export const NO_AGENT_SETTINGS: AgentSettings = Object.freeze({ restarts: {}, credentials: [], ignored: [] })

/** Reads one variable into the settings. @returns whether it has a value that it can have */
type Take = (text: string, settings: { -readonly [Name in keyof AgentSettings]: AgentSettings[Name] }) => boolean

const VARIABLES: ReadonlyMap<string, Take> = new Map<string, Take>([
  ['maxrestartcount', number((value, settings) => restart(settings, { maxRestarts: value }))],
  ['coolofftimeunitinseconds', number((value, settings) => restart(settings, { firstDelay: value * 1_000 }))],
  ['intensivecaretimeinminutes', number((value, settings) => restart(settings, { healthyAfter: value * 60_000 }))],
  ['configrefreshfrequencysecs', number((value, settings) => Object.assign(settings, { refresh: value * 1_000 }))],
  ['runtimeloglevel', choice(/^(verbose|debug|info|information|warning|error|fatal)$/i, 'logLevel')],
  ['upstreamprotocol', choice(/^(amqp|amqpws|mqtt|mqttws)$/i, 'upstreamProtocol')],
])

/**
 * The settings of the original's agent that mean something here. Names are compared without regard to case, and `__` and
 * `:` separate the same, as .NET has it. Source: agent reference, section 2.11.
 */
export function readAgentSettings(environment: Readonly<Record<string, string>>): AgentSettings {
  const settings = { restarts: {}, credentials: [] as readonly RegistryCredential[], ignored: [] as readonly string[] }
  const logins = new Map<string, Record<string, string>>()
  for (const [name, text] of Object.entries(environment)) {
    const login = /^dockerregistryauth(?:__|:)(\d+)(?:__|:)(address|username|password)$/i.exec(name)
    if (login !== null) {
      const [, index = '', member = ''] = login
      logins.set(index, { ...logins.get(index), [member.toLowerCase()]: text })
    } else if (VARIABLES.get(name.toLowerCase())?.(text, settings) !== true)
      settings.ignored = [...settings.ignored, name]
  }
  settings.credentials = [...logins].flatMap(([id, { address, username, password }]) =>
    address && username && password ? { id, address, username, password } : [],
  )
  return settings
}

type Settings = Parameters<Take>[1]

function number(take: (value: number, settings: Settings) => void): Take {
  return (text, settings) => {
    if (!/^\d{1,7}$/.test(text.trim()) || Number(text) === 0) return false
    take(Number(text), settings)
    return true
  }
}

function choice(values: RegExp, name: 'logLevel' | 'upstreamProtocol'): Take {
  return (text, settings) => {
    if (!values.test(text)) return false
    settings[name] = text
    return true
  }
}

function restart(settings: Settings, change: AgentSettings['restarts']): void {
  settings.restarts = { ...settings.restarts, ...change }
}
