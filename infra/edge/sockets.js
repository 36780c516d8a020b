// A CloudFront function (cloudfront-js-2.0, viewer request) in front of the WebSocket API, which serves its stage alone and knows no paths: callers'
// /ws/jobs/{job_id} becomes the stage with the job in the query. localstack/front-door does the same; docs/operations.md says how it is put in place.

const STAGE = '/live';
const JOB = /^\/ws\/jobs\/([\w.~-]{1,64})$/;

function handler(event) {
    const request = event.request;
    const job = JOB.exec(request.uri);
    if (!job) {
        return refusal(404, 'Not Found', {});
    }
    if (request.method !== 'GET') {
        return refusal(405, 'Method Not Allowed', { allow: { value: 'GET' } });
    }
    request.uri = STAGE;
    request.querystring.job_id = { value: job[1] };
    return request;
}

function refusal(statusCode, statusDescription, headers) {
    headers['content-type'] = { value: 'application/json' };
    return { statusCode: statusCode, statusDescription: statusDescription, headers: headers, body: JSON.stringify({ detail: statusDescription }) };
}
