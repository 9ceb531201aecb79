import { EdgewrightError } from '@edgewright/core'

/** That there is a module of the name already, made from something else. */
export function moduleExists(name: string): EdgewrightError {
  return new EdgewrightError('MODULE_EXISTS', `There is a module "${name}" already, made from something else`, {
    remedy: 'Remove it first.',
  })
}

/** That there is no module of the name. */
export function moduleNotFound(name: string): EdgewrightError {
  return new EdgewrightError('MODULE_NOT_FOUND', `There is no module "${name}"`, { remedy: 'Create it first.' })
}

/** That this machine's own policy does not let a module have what it asks for. */
export function moduleForbidden(name: string, option: string): EdgewrightError {
  return new EdgewrightError('MODULE_FORBIDDEN', `This gateway does not permit ${option}`, {
    place: name,
    remedy: 'Leave it out of the deployment, or permit it in the configuration of this gateway.',
  })
}
