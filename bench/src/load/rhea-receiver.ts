import rhea from 'rhea'

// A bare rhea receiver: lets everybody in, accepts every message, keeps nothing. Argument: the credit of each link.
const credit_window = Number(process.argv[2] ?? 500)
const container = rhea.create_container({ receiver_options: { credit_window } })
const mechanisms = container.sasl_server_mechanisms as unknown as { enable_plain(check: () => boolean): void }
mechanisms.enable_plain(() => true)
for (const event of ['error', 'protocol_error', 'disconnected']) container.on(event, () => undefined)
const server = container.listen({ port: 0, host: '127.0.0.1' })
server.on('listening', () => process.send?.({ port: (server.address() as { port: number }).port }))
process.on('SIGTERM', () => process.exit(0))
