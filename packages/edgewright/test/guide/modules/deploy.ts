import type { Gateway, JsonObject } from 'edgewright'

export async function deployByHand(gateway: Gateway, document: JsonObject): Promise<void> {
  const plan = gateway.agent!.preview(document) // what would be done, and why; nothing is
  for (const { name, action, reason } of [...plan.due, ...plan.later]) console.log(action, name, reason)
  await gateway.agent!.deploy(document)
}
