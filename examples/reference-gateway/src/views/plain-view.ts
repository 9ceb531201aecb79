import type { View } from './view.js'
import { connectionLines } from './connection-lines.js'

/** Plain lines, for logs and pipes. */
export function plainView(write: (text: string) => void): View {
  const line = (text: string) => write(`${text}\n`)
  return {
    ready: ready => connectionLines(ready).forEach(line),
    connectivity: state => line(state.type === 'online' ? 'cloud: online' : `cloud: offline (${state.reason})`),
    status({ routes, queues, connectivity, modules }) {
      const counts = routes.map(({ name, messages }) => `${name} ${messages}`).join(', ')
      const waiting = queues.reduce((sum, { waiting }) => sum + waiting, 0)
      const states = modules.map(({ name, state }) => `${name} ${state}`).join(', ')
      line(
        `messages: ${counts || 'none'}; waiting: ${waiting}; cloud: ${connectivity.type}; modules: ${states || 'none'}`,
      )
    },
    log: line,
    stopping: signal => line(`${signal}: stopping`),
    stopped: () => line('stopped'),
  }
}
