import { HTTPException } from './http-exception.ts'
import type { HTTPExceptionOptions } from './http-exception.ts'

/** One class for each status that needs nothing but itself. The description is what the client reads; another one may be given. */

/** 400. */
export class BadRequest extends HTTPException {
  constructor(description = 'The server could not understand what was sent.', options?: HTTPExceptionOptions) {
    super(400, description, options)
  }
}

/** 403. */
export class Forbidden extends HTTPException {
  constructor(
    description = 'You may not see this. If you are signed in, your account lacks the right to.',
    options?: HTTPExceptionOptions,
  ) {
    super(403, description, options)
  }
}

/** 404. */
export class NotFound extends HTTPException {
  constructor(
    description = 'There is nothing at this address. If you typed it yourself, check its spelling.',
    options?: HTTPExceptionOptions,
  ) {
    super(404, description, options)
  }
}

/** 406. */
export class NotAcceptable extends HTTPException {
  constructor(description = 'There is no version of this that your client accepts.', options?: HTTPExceptionOptions) {
    super(406, description, options)
  }
}

/** 408. */
export class RequestTimeout extends HTTPException {
  constructor(description = 'The request took too long to arrive.', options?: HTTPExceptionOptions) {
    super(408, description, options)
  }
}

/** 409. */
export class Conflict extends HTTPException {
  constructor(description = 'The request does not go with the state of what it is about.', options?: HTTPExceptionOptions) {
    super(409, description, options)
  }
}

/** 410. */
export class Gone extends HTTPException {
  constructor(description = 'What was at this address has been taken away for good.', options?: HTTPExceptionOptions) {
    super(410, description, options)
  }
}

/** 411. */
export class LengthRequired extends HTTPException {
  constructor(description = 'The request must say how long it is.', options?: HTTPExceptionOptions) {
    super(411, description, options)
  }
}

/** 412. */
export class PreconditionFailed extends HTTPException {
  constructor(description = 'A condition of the request does not hold.', options?: HTTPExceptionOptions) {
    super(412, description, options)
  }
}

/** 413. */
export class RequestEntityTooLarge extends HTTPException {
  constructor(description = 'What was sent is larger than this server takes.', options?: HTTPExceptionOptions) {
    super(413, description, options)
  }
}

/** 414. */
export class RequestURITooLarge extends HTTPException {
  constructor(description = 'The address is longer than this server takes.', options?: HTTPExceptionOptions) {
    super(414, description, options)
  }
}

/** 415. */
export class UnsupportedMediaType extends HTTPException {
  constructor(description = 'The server does not take what was sent in this form.', options?: HTTPExceptionOptions) {
    super(415, description, options)
  }
}

/** 417. */
export class ExpectationFailed extends HTTPException {
  constructor(description = 'The server cannot do what the Expect field asks for.', options?: HTTPExceptionOptions) {
    super(417, description, options)
  }
}

/** 418. */
export class ImATeapot extends HTTPException {
  constructor(description = 'This server is a teapot, not a coffee machine.', options?: HTTPExceptionOptions) {
    super(418, description, options)
  }
}

/** 421. */
export class MisdirectedRequest extends HTTPException {
  constructor(description = 'This server does not answer for this address.', options?: HTTPExceptionOptions) {
    super(421, description, options)
  }
}

/** 422. */
export class UnprocessableEntity extends HTTPException {
  constructor(description = 'The request is well formed, but it cannot be done as it is.', options?: HTTPExceptionOptions) {
    super(422, description, options)
  }
}

/** 423. */
export class Locked extends HTTPException {
  constructor(description = 'What the request is about is locked.', options?: HTTPExceptionOptions) {
    super(423, description, options)
  }
}

/** 424. */
export class FailedDependency extends HTTPException {
  constructor(description = 'Something that the request depends on has failed.', options?: HTTPExceptionOptions) {
    super(424, description, options)
  }
}

/** 428. */
export class PreconditionRequired extends HTTPException {
  constructor(
    description = 'The request must say on what condition it is to be done, by If-Match for instance.',
    options?: HTTPExceptionOptions,
  ) {
    super(428, description, options)
  }
}

/** 431. */
export class RequestHeaderFieldsTooLarge extends HTTPException {
  constructor(
    description = 'The header fields of the request are larger than this server takes.',
    options?: HTTPExceptionOptions,
  ) {
    super(431, description, options)
  }
}

/** 451. */
export class UnavailableForLegalReasons extends HTTPException {
  constructor(description = 'This may not be shown for legal reasons.', options?: HTTPExceptionOptions) {
    super(451, description, options)
  }
}

/** 501. */
export class NotImplemented extends HTTPException {
  constructor(description = 'The server does not know how to do this.', options?: HTTPExceptionOptions) {
    super(501, description, options)
  }
}

/** 502. */
export class BadGateway extends HTTPException {
  constructor(description = 'The server behind this one gave an answer that makes no sense.', options?: HTTPExceptionOptions) {
    super(502, description, options)
  }
}

/** 504. */
export class GatewayTimeout extends HTTPException {
  constructor(description = 'The server behind this one did not answer in time.', options?: HTTPExceptionOptions) {
    super(504, description, options)
  }
}

/** 505. */
export class HTTPVersionNotSupported extends HTTPException {
  constructor(description = 'The server does not speak this version of HTTP.', options?: HTTPExceptionOptions) {
    super(505, description, options)
  }
}
