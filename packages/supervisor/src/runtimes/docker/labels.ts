import { isJsonObject, type ModuleSpecification } from '@edgewright/core'

/** Whose containers are ours. The name and value of the original, so that its tools see them. */
const OWNER_LABEL = 'net.azure-devices.edge.owner'
const OWNER = 'Microsoft.Azure.Devices.Edge.Agent'

/** The image as the deployment names it. */
const IMAGE_LABEL = 'net.azure-devices.edge.original-image'

/** Whose module it is, where several gateways share an engine. */
const SCOPE_LABEL = 'io.edgewright.scope'

/** What the container was asked for: what a plan compares with, because it cannot drift from the container. */
const SPECIFICATION_LABEL = 'io.edgewright.specification'

/** The labels of a module's container, after its own. */
export function labelsOf(specification: ModuleSpecification, scope?: string): Readonly<Record<string, string>> {
  return {
    ...commonLabels(scope),
    [IMAGE_LABEL]: String(specification.settings.image),
    [SPECIFICATION_LABEL]: JSON.stringify(specification),
  }
}

/** What the labels of the modules' containers have in common. */
export function commonLabels(scope?: string): Readonly<Record<string, string>> {
  return { [OWNER_LABEL]: OWNER, ...(scope === undefined ? {} : { [SCOPE_LABEL]: scope }) }
}

/**
 * What a container was asked for. One that another agent made has no such label: it is taken as made from its image
 * alone, and a deployment that wants it otherwise makes it anew.
 */
export function specificationOf(name: string, labels: Readonly<Record<string, string>>): ModuleSpecification {
  try {
    const found: unknown = JSON.parse(labels[SPECIFICATION_LABEL] ?? '')
    if (isJsonObject(found) && found.name === name) return found as unknown as ModuleSpecification
  } catch {
    // Told apart below.
  }
  return { name, type: 'docker', settings: { image: labels[IMAGE_LABEL] ?? '' }, environment: {} }
}
