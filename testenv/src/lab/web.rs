//! Servers that are not what they should be.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};

use super::Lab;

/// The port of plain web servers here.
const PORT: u16 = 8080;

impl Lab {
    /// A host of this name where a web server answers so, such as `404 Not Found`, to
    /// everything. Returns its URL.
    pub fn web_server(&self, name: &str, status: &str) -> String {
        let host = self.host(name).start();
        let status = status.to_owned();
        let listener = host.namespace.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)));
        let listener = listener.expect("a listening socket");
        self.inner.close_at_the_end(&listener);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A client that goes away is no news.
                let _ = answer(&client, &status);
                let _ = client.shutdown(Shutdown::Both);
            }
        });
        format!("http://{}:{PORT}", host.address())
    }
}

fn answer(mut client: &TcpStream, status: &str) -> io::Result<()> {
    let mut request = BufReader::new(client).lines();
    while request.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    write!(client, "HTTP/1.1 {status}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
}
